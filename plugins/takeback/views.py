"""Two taps: the offer under the text, and the page that says where the money goes."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, redirect, render_template, url_for

from core import (
    Conflict,
    Money,
    NotFound,
    Order,
    Reader,
    allow_door,
    callers,
    current_reader,
    keeper_for,
    lock_name,
    order_of,
    refund,
    transaction,
)
from plugins.takeback.rules import REASON, seconds_left, unlocking

pages = Blueprint("takeback", __name__, url_prefix="/x/takeback")


def _own(order_id: str, reader: Reader) -> Order:
    order = order_of(order_id)
    if order.holder not in reader.holders or order.state != "paid":
        raise NotFound("There is no such order.")
    return order


@pages.get("/<order>")
@callers("anyone")
def show(order: str) -> Response:
    """Say what goes back and where to, and ask once."""
    reader = current_reader()
    own = _own(order, reader)
    page = render_template(
        "takeback/page.html", order=own, amount=_worth(own), kept=bool(keeper_for(own)),
        can=seconds_left(order, reader) > 0, title=own.lines[0].label,
    )  # fmt: skip
    response = Response(page)
    response.headers["Cache-Control"] = "private, no-store"
    return response


@pages.post("/<order>")
@callers("anyone")
def take_back(order: str) -> Any:
    """Give back what the order opened, to the balance where one is kept, at once."""
    allow_door("checkout")
    reader = current_reader()
    own = _own(order, reader)
    with transaction():
        lock_name(f"takeback:{reader.holder}")
        if seconds_left(order, reader) <= 0:
            raise Conflict("This can no longer be taken back here.")
        lines = {line.number: _group(own, line.number) for line in unlocking(own)}
        if keeper := keeper_for(own):
            refund(order, lines, actor=reader.holder, reason=REASON, to=keeper)
    if not keeper:
        refund(order, lines, actor=reader.holder, reason=REASON)
    return redirect(own.return_to.partition("#")[0] or url_for("library.show"), 303)


def _group(order: Order, number: int) -> int:
    return sum(line.amount.minor for line in order.group(number))


def _worth(order: Order) -> Money:
    return Money(sum(_group(order, line.number) for line in unlocking(order)), order.currency)
