"""From the offer to what it opened: take an offer, choose how to pay, come back."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, jsonify, redirect, render_template, request, url_for

from core import access, checkout, limits, orders
from core.clock import now
from core.errors import NotFound, OboloError, Refused
from core.money import Money
from core.orders import Line, Order
from core.payments import Inline, Instructions, Payment, Redirect, State, Step, records
from core.people import (
    Reader,
    contacts,
    current_reader,
    current_session,
    give_holder,
    users,
)
from core.plugins import catalogue
from core.settings import site_currency, value
from core.web.addresses import local_path
from core.web.callers import callers
from core.web.cards import refuse_card_numbers
from core.web.counting import count_view
from core.web.wanting import wants_json

log = logging.getLogger("obolo.web")
blueprint = Blueprint("checkout", __name__, url_prefix="/checkout")
ANSWER = "answer:"
SILENT_FOR = timedelta(minutes=1)
"""After that the task looks what became of a payment (see `records.PAUSES`)."""


@blueprint.before_request
def _refuse_card_numbers() -> None:
    refuse_card_numbers(request.form)


def allow_door(door: str) -> None:
    """Count this request at a door. Raises TooMany."""
    reader = current_reader()
    limits.allow(door, address=reader.address, holder=reader.holder)


def _see_other(location: str) -> Response:
    """Lead on to a page of the site, without a text of its own."""
    response = Response(status=303)
    response.headers["Location"] = location
    return response


@blueprint.post("/offer")
@callers("anyone")
def take_offer() -> Any:
    """Order what an offer sells; the form names it, and the price is asked for again here."""
    reader = give_holder()
    with limits.visiting("checkout", address=reader.address, holder=reader.holder) as visit:
        return _take_offer(reader, visit, request.form)


def _take_offer(reader: Reader, visit: limits.Visit, form: Mapping[str, str]) -> Any:
    if not _is_instant(form.get("provider", "")):
        visit.count()
    resource = form.get("resource", "")
    back = local_path(form.get("return_to", "/"))
    decided = access.decide(resource, reader)
    if decided.open:
        return _lead_to(back)
    wanted = form.get("offer", "")
    offer = next((one for one in decided.offers if one.key == wanted), None)
    if offer is None:
        raise NotFound("This is no longer offered.")
    count_view(resource, "tap")
    return order_and_pay(reader, offer.lines, back, visit)


def order_and_pay(
    reader: Reader, lines: tuple[Line, ...], back: str, visit: limits.Visit | None = None
) -> Any:
    """Make an order and go on to where it is paid, with as few pages between as can be.

    A way that is instant, named by the form, is taken at once; one that is the only way, too. A
    form that names a `top_up`, in minor units, pays it in together with the lines; one that must,
    because the price is too small to be paid directly, is asked how much.
    """
    form = request.form.to_dict()
    refuse_card_numbers(form)
    answers = {
        key.removeprefix(ANSWER): text for key, text in form.items() if key.startswith(ANSWER)
    }
    chosen = form.get("provider", "")
    if top_up := form.get("top_up", ""):
        lines = (*lines, checkout.top_up_line(top_up, reader, site_currency()))
    elif not chosen and (page := _too_small(reader, lines)):
        return page, 422
    try:
        if _is_instant(chosen) and not (reader.user and _must_confirm_all(reader, lines)):
            with suppress(checkout.AlreadyHeld):
                checkout.buy(
                    reader, lines, chosen, return_to=back, answers=answers,
                    admit=visit.count if visit else None,
                )  # fmt: skip
            return _lead_to(back)
        order = checkout.start_order(reader, lines, return_to=back, answers=answers)
    except checkout.Unanswered as asked:
        if _wants_inline():
            raise
        return render_template(
            "checkout/questions.html", questions=asked.questions, form=request.form, answer=ANSWER
        ), 422
    return _go_on(order, reader, chosen)


def _go_on(order: Order, reader: Reader, chosen: str) -> Any:
    """Lead to where an order is paid: at once where there is but one way."""
    if order.state == "paid":
        return _lead_to(order.return_to, order.id)
    if _wants_inline():
        return _begin(order, chosen, reader)
    offered = checkout.ways_for(order, reader)
    only = offered[0] if len(offered) == 1 and offered[0].quote.kind == "redirect" else None
    if only and not (_is_instant(only.provider.name) and must_confirm(order.total)):
        return _begin(order, only.provider.name, reader)
    wish = "1" if _wants_to_save() else None
    return redirect(url_for("checkout.show", id=order.id, save=wish), 303)


def _must_confirm_all(reader: Reader, lines: tuple[Line, ...]) -> bool:
    return must_confirm(checkout.draft(reader, lines).total)


def _too_small(reader: Reader, lines: tuple[Line, ...]) -> str:
    """Return the page that asks how much to pay in, where a price cannot be paid by itself."""
    order = checkout.draft(reader, lines)
    price = order.total
    found = checkout.choices_for(order, reader) if price else []
    if not any(choice.top_up for choice in found):
        return ""
    return render_template(
        "checkout/small.html", price=price, choices=found, form=request.form,
        direct=directly(price.currency, reader),
    )  # fmt: skip


def directly(currency: str, reader: Reader) -> tuple[str, Money] | None:
    """Return by which way the least price is paid directly, and how much that is."""
    found = [
        (way.quote.label, least)
        for way in checkout.direct(Money.of_units(100, currency), reader.country)
        if (least := checkout.least_direct(way.provider, currency, reader.country)) is not None
    ]
    return min(found, key=lambda one: one[1].minor, default=None)


def _is_instant(provider: str) -> bool:
    return "instant" in getattr(catalogue.providers.get(provider), "can", ())


def must_confirm(amount: Money) -> bool:
    """Tell whether a user must prove to be one before so much of what they keep here is moved.

    What is paid at a provider's own page is guarded there; a guest has nothing to prove it by.
    """
    session = current_session()
    most = value("checkout.confirm_above")
    return session is not None and amount.minor > most and not session.is_confirmed(now())


@blueprint.get("/<id>")
@callers("anyone")
def show(id: str) -> Any:
    """Show how an order can be paid, or what became of paying it; go back when it is paid."""
    reader = current_reader()
    order = _own(id, reader)
    payments = records.of_order(order.id)
    if order.state == "open":
        for payment in payments:
            if _may_be_known(payment):
                checkout.refresh(payment.id)
        order, payments = orders.find(order.id), records.of_order(order.id)
    if order.state == "paid":
        return redirect(order.return_to, 303)
    held, offered = checkout.held_for(id), checkout.ways_for(order, reader)
    page = render_template(
        "checkout/order.html", order=order, ways=offered, held=held,
        payment=payments[-1] if payments else None, waiting=_waiting(payments) and not held,
        never_began=_never_began(payments, offered),
        receipt_to=checkout.recipient(order.holder), direct=directly(order.currency, reader),
    )  # fmt: skip
    response = Response(page)
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _may_be_known(payment: Payment) -> bool:
    """Tell whether a look may say more of a payment than is known.

    A provider that has just not answered is not asked again while the reader waits for the page.
    """
    is_over = payment.facts.state in (State.FAILED, State.CANCELLED, State.EXPIRED)
    is_silent = payment.ref is None and now() - payment.created < SILENT_FOR
    return not is_over and not is_silent


def _never_began(payments: list[Payment], offered: list[checkout.Way]) -> str:
    """Return the label of the way that was tried last, if its provider never let it begin."""
    last = payments[-1] if payments else None
    if last is None or last.ref or last.facts.state not in (State.NEW, State.FAILED):
        return ""
    labels = {way.provider.name: way.quote.label for way in offered}
    return labels.get(last.provider, last.provider)


def _waiting(payments: list[Payment]) -> bool:
    """Tell whether the bank has the last word now: reader and site can only wait."""
    return any(payment.facts.state in (State.BANK, State.READY) for payment in payments)


def _own(id: str, reader: Reader) -> Order:
    order = orders.find(id)
    if order.holder not in reader.holders:
        raise NotFound("There is no such order.")
    return order


@blueprint.post("/<id>/contact")
@callers("anyone")
def keep_contact(id: str) -> Any:
    """Note where a guest wants the receipt, before they pay."""
    reader = current_reader()
    order = _own(id, reader)
    if reader.user:
        raise Refused("Receipts go to your own address.")
    limits.allow("code", address=reader.address)
    contacts.keep(order.holder, users.clean_email(request.form.get("email", "")), reader.language)
    return redirect(url_for("checkout.show", id=id), 303)


@blueprint.post("/<id>/pay")
@callers("anyone")
def pay(id: str) -> Any:
    """Start to pay an order by the way that the form names."""
    reader = current_reader()
    order, provider = _own(id, reader), request.form.get("provider", "")
    if _is_instant(provider) and must_confirm(order.total):
        return redirect(url_for("account.confirm", to=url_for("checkout.show", id=id)), 303)
    return _begin(order, provider, reader)


def _begin(order: Order, provider: str, reader: Reader) -> Any:
    """Lead on to where an order is paid; all ways that lead there are one door."""
    allow_door("pay")
    here = url_for("checkout.show", id=order.id)
    back, inline = url_for("checkout.show", id=order.id, _external=True), _wants_inline()
    try:
        step = checkout.pay(order.id, provider, reader, back, save=_wants_to_save(), inline=inline)
    except Refused:
        raise
    except OboloError as error:
        log.warning("order %s could not be paid by %s: %s", order.id, provider, error)
        if inline:
            raise
        return redirect(here, 303)
    if isinstance(step, Inline) and inline:
        return _for_a_button(back, order.id, step.ref, step.data)
    return _next(step, order, here)


def _wants_inline() -> bool:
    """Tell whether a script on a page of the site asks, to let the reader pay right there."""
    return request.form.getlist("inline") == ["1"] and wants_json()


def _wants_to_save() -> bool:
    """Tell whether the reader asked that their way to pay is kept."""
    return request.form.getlist("save") == ["1"]


def _lead_to(location: str, order: str = "") -> Response:
    """Lead on to a page of the site, a script by saying so."""
    return _for_a_button(location, order) if _wants_inline() else _see_other(location)


def _for_a_button(
    address: str, order: str, ref: str = "", data: Mapping[str, str] | None = None
) -> Response:
    """Say how a script goes on: by `data` and then to `address`, at once where there is none."""
    response = jsonify(order=order, address=address, ref=ref, data=dict(data or {}))
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _next(step: Step, order: Order, here: str) -> Any:
    match step:
        case Redirect(url=url) if _wants_inline():
            return _for_a_button(url, order.id)
        case Redirect(url=url):
            return redirect(url, 303)
        case Instructions(url=url) if url:
            return _lead_to(url, order.id)
        case Inline() | Instructions() if not _wants_inline():
            return render_template("checkout/instructions.html", order=order, step=step)
    return _lead_to(here, order.id)
