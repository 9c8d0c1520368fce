"""The pages: give a text away, see what became of it, open a link."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for

from core import (
    BadInput,
    Conflict,
    NotFound,
    Offer,
    Refused,
    allow_door,
    callers,
    card_of,
    current_reader,
    gettext,
    give_holder,
    new_id,
    order_and_pay,
    order_of,
    value,
)
from plugins.gifts import giving, records
from plugins.gifts.records import Gift

pages = Blueprint("gifts", __name__, url_prefix="/x/gifts")


def _page(name: str, status: int = 200, **more: Any) -> Response:
    response = Response(render_template(f"gifts/{name}.html", **more), status)
    response.headers["Cache-Control"] = "private, no-store"
    return response


@pages.get("/")
@callers("anyone")
def show_all() -> Response:
    """List what the reader gave away, and what became of each."""
    found = records.given_by(current_reader().holders)
    return _page("all", gifts=[(one, _title(one)) for one in found])


def _title(gift: Gift) -> str:
    card = card_of(gift.resource)
    return card.title if card else order_of(gift.order).lines[gift.line - 1].label


@pages.get("/new/<resource>")
@callers("anyone")
def new(resource: str) -> Response:
    """Say what a gift is and what it costs."""
    number = new_id("gft")
    line = giving.line_for(resource, number, current_reader())
    card = card_of(resource)
    return _page(
        "new", offer=Offer("gift", line.label, (line,)), number=number, card=card,
        resource=resource, days=value("gifts.days"),
    )  # fmt: skip


@pages.post("/new/<resource>")
@callers("anyone")
def buy(resource: str) -> Any:
    """Order a gift and go on to pay it; a form that is sent twice orders one."""
    allow_door("checkout")
    reader, number = give_holder(), request.form.get("number", "")
    is_number = giving.NUMBERS.fullmatch(number)
    known = records.find(number) if is_number else None
    if known and known.holder in reader.holders:
        return redirect(url_for("gifts.show", id=number), 303)
    if known or not is_number:
        raise BadInput("This form is too old. Please open the page again.")
    lines = (giving.line_for(resource, number, reader),)
    return order_and_pay(reader, lines, url_for("gifts.show", id=number))


def _own(id: str) -> Gift:
    """Return a gift to who gave it. Raises NotFound."""
    gift = records.find(id)
    if gift is None or gift.holder not in current_reader().holders:
        raise NotFound("There is no such gift.")
    return gift


@pages.get("/<id>")
@callers("anyone")
def show(id: str) -> Any:
    """Show a gift to who gave it; lead who took it to what it opens."""
    gift = records.find(id)
    if gift and gift.holder not in current_reader().holders and _is_taker(gift):
        card = card_of(gift.resource)
        if card and gift.standing == "active":
            return redirect(card.url, 303)
        return _page("over", 410)
    return _shown(_own(id))


def _is_taker(gift: Gift) -> bool:
    return gift.taker in current_reader().holders


def _shown(gift: Gift, status: int = 200, **more: Any) -> Response:
    return _page("gift", status, gift=gift, title=_title(gift), order=order_of(gift.order), **more)


@pages.post("/<id>/link")
@callers("anyone")
def make_link(id: str) -> Response:
    """Make the link and show it, this once; an earlier one opens nothing from now on."""
    allow_door("checkout")
    gift = _own(id)
    if gift.standing != "active":
        raise Conflict("This gift can no longer be given.")
    token = records.new_link(gift)
    link = url_for("gifts.look", token=token, _external=True)
    return _shown(records.find(id) or gift, link=link)


@pages.post("/<id>/back")
@callers("anyone")
def take_back(id: str) -> Any:
    """Take a gift back that nobody opened: its money goes back the way it was paid."""
    allow_door("checkout")
    gift = _own(id)
    try:
        giving.give_back(gift, actor=gift.holder, reason=giving.WITHDRAWN)
    except Refused as error:
        return _shown(_own(id), 409, error=gettext(error.message).format(**error.values))
    return redirect(url_for("gifts.show", id=id), 303)


@pages.get("/open/<token>")
@callers("anyone")
def look(token: str) -> Response:
    """Show what a link opens; only the button on the page opens it."""
    gift = records.find_by(token)
    card = card_of(gift.resource) if gift else None
    if gift is None or card is None:
        return _page("over", 410)
    is_kept = giving.is_kept(gift.resource, current_reader())
    return _page("open", token=token, card=card, is_kept=is_kept)


@pages.post("/open")
@callers("anyone")
def take() -> Any:
    """Open a gift: an order of nothing gives its key to this reader, and to nobody else."""
    allow_door("checkout")
    gift = records.find_by(request.form.get("token", ""))
    card = card_of(gift.resource) if gift else None
    if gift is None or card is None:
        return _page("over", 410)
    reader = give_holder()
    if giving.is_kept(gift.resource, reader):
        raise Conflict("This is open to you already. Pass the link on to somebody else.")
    return order_and_pay(reader, (giving.line_to_take(gift),), f"{card.url}#opened")
