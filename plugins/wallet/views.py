"""A reader's balance: what it is, how it came to that, paying in, and having it back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for

from core import (
    BadInput,
    Line,
    Money,
    Moved,
    NotFound,
    OboloError,
    Order,
    Reader,
    Refused,
    allow_door,
    callers,
    current_reader,
    gettext,
    give_holder,
    keeps_methods,
    local_path,
    order_and_pay,
    order_of,
    refund,
    saved_methods,
    site_currency,
    site_mode,
    top_up_line,
    value,
)
from core import top_ups as suggested
from plugins.wallet import statement, wishes
from plugins.wallet.caps import room
from plugins.wallet.statement import FAMILY
from plugins.wallet.wishes import Wish

pages = Blueprint("wallet", __name__, url_prefix="/x/wallet")
DONE = "back"


@pages.get("/")
@callers("anyone")
def show() -> Response:
    """Show the balance and all that moved on it."""
    return _shown()


def _shown(status: int = 200, **more: Any) -> Response:
    reader, currency = current_reader(), site_currency()
    balance = statement.balance_of(reader)
    moved = statement.movements(reader)
    page = render_template(
        "wallet/page.html", balance=balance, rows=[(one, _words(one)) for one in moved],
        back=[one for one in statement.top_ups(moved, balance) if one.can_go_back],
        suggested=suggested(Money(0, currency), reader), room=room(reader, currency),
        in_cents=lambda minor: Money(minor, currency), plays=site_mode() == "test",
        cap=Money(value("wallet.balance_cap"), currency), days=value("wallet.refund_days"),
        guest_most=Money(value("wallet.guest_most"), currency),
        months=value("wallet.expires_months"), done=request.args.get("done", ""),
        **({"low": _low(reader)} if reader.user else {}), **more,
    )  # fmt: skip
    response = Response(page, status=status)
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _low(reader: Reader) -> Mapping[str, Any]:
    """Return what a user may want when little is left, and what they want now."""
    kept = saved_methods(reader.holders)
    found = wishes.find(reader.holder)
    labels = {one.id: one.label for one in kept}
    first = suggested(Money(0, site_currency()), reader)[:1]
    return {
        "wish": found, "methods": kept, "kept": labels.get(found.method) if found else None,
        "as_typed": lambda minor: Money(minor, site_currency()).typed(reader.language),
        "at": value("wallet.low_at"), "cap": Money(value("wallet.daily_cap"), site_currency()),
        "first": first[0] if first and keeps_methods(first[0].pays, reader.country) else None,
    }  # fmt: skip


def _words(moved: Moved) -> str:
    """Return what a movement was, in the reader's language."""
    is_own = moved.key.startswith(statement.OWN)
    if moved.kind == "charge" and is_own:
        return _label(moved.order)
    if moved.kind == "charge":
        return str(gettext("Paid in"))
    if moved.kind == "refund" and is_own:
        return str(gettext("Given back: %(what)s", what=_label(moved.order)))
    words = {
        "refund": gettext("Given back the way it was paid"),
        "dispute": gettext("A payment was disputed"),
        "order": gettext("Expired"),
    }
    return str(words.get(moved.kind, gettext("On its way back to you")))


def _label(order: str) -> str:
    return order_of(order).lines[0].label if order else ""


@pages.post("/")
@callers("anyone")
def pay_in() -> Any:
    """Order that an amount is paid in: a button's, or the reader's own."""
    allow_door("checkout")
    reader = give_holder()
    try:
        line = top_up_line(str(_chosen(reader).minor), reader, site_currency())
        if reader.user and request.form.get("save") == "1":
            line = replace(line, data={"save": True})
    except (BadInput, Refused) as error:
        words = gettext(error.message).format(**error.values)
        return _shown(422, error=words, own=request.form.get("own", ""))
    back = local_path(request.form.get("back", url_for("wallet.show")))
    return order_and_pay(reader, (line,), back)


def _chosen(reader: Reader) -> Money:
    if minor := request.form.get("minor", ""):
        if not (minor.isascii() and minor.isdigit() and len(minor) <= 9):
            raise BadInput("Please choose one of the amounts.")
        return Money(int(minor), site_currency())
    return Money.parse(request.form.get("own", ""), site_currency(), reader.language)


@pages.post("/low")
@callers("user")
def set_low() -> Any:
    """Keep what a user wants when little is left: nothing, a message, or a top-up."""
    allow_door("checkout")
    reader = current_reader()
    try:
        if (then := request.form.get("then", "")) in ("tell", "add"):
            wishes.keep(_wish(reader, is_added=then == "add"), reader)
        else:
            wishes.stop(reader)
    except OboloError as error:
        words = gettext(error.message).format(**error.values)
        return _shown(422, low_error=words, typed=request.form)
    return redirect(url_for("wallet.show", done="low", _anchor="low"), 303)


def _wish(reader: Reader, *, is_added: bool) -> Wish:
    page = url_for("wallet.show", _external=True)
    below = _typed("below", reader)
    if not is_added:
        return Wish(reader.holder, below, page=page)
    return Wish(
        reader.holder, below, _typed("adds", reader), request.form.get("method", ""), page
    )  # fmt: skip


def _typed(name: str, reader: Reader) -> int:
    return Money.parse(request.form.get(name, ""), site_currency(), reader.language).minor


@pages.post("/back")
@callers("anyone")
def give_back() -> Any:
    """Give the unspent part of one payment back the way it was paid."""
    allow_door("checkout")
    reader = current_reader()
    moved = statement.movements(reader)
    wanted = request.form.get("order", "")
    found = [
        one
        for one in statement.top_ups(moved, statement.balance_of(reader))
        if one.order == wanted and one.can_go_back
    ]
    if not found:
        raise NotFound("There is nothing unspent of this payment any more.")
    line = _line_of(order_of(wanted))
    refund(
        wanted, {line.number: found[0].unspent.minor}, actor=reader.holder,
        reason="unspent balance asked back by its reader", only_unspent=True,
    )  # fmt: skip
    return redirect(url_for("wallet.show", done=DONE), 303)


def _line_of(order: Order) -> Line:
    return next(line for line in order.lines if line.account == FAMILY + order.holder)
