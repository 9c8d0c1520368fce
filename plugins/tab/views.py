"""A reader's tab: what is on it, and settling it by one payment."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for

from core import (
    Choice,
    Line,
    Money,
    Moved,
    Reader,
    allow_door,
    callers,
    choices_for,
    current_reader,
    draft,
    gettext,
    local_path,
    order_and_pay,
    order_of,
    site_currency,
    site_mode,
    top_ups,
    value,
)
from plugins.tab import debts, items

pages = Blueprint("tab", __name__, url_prefix="/x/tab")


@pages.get("/")
@callers("anyone")
def show() -> Response:
    """Show what is on the tab, each thing with its day and price, and how it is settled."""
    reader = current_reader()
    owed, moved = debts.owed_by(reader), items.movements(reader)
    page = render_template(
        "tab/page.html", owed=owed, ways=_ways(reader, owed),
        unpaid=[(one, _label(one.order)) for one in items.unpaid(moved, owed)],
        rows=[(one, _words(one)) for one in moved], plays=site_mode() == "test",
        in_cents=lambda minor: Money(minor, owed.currency), back=_back(),
        cap=Money(value("tab.cap"), owed.currency), days=value("tab.days"),
        barred=debts.is_barred(reader), takes=value("tab.take"),
    )  # fmt: skip
    response = Response(page)
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _ways(reader: Reader, owed: Money) -> list[Choice]:
    """Return how a tab can be settled: with a top-up first, for then it was the last tab."""
    if not owed:
        return []
    found = choices_for(draft(reader, _lines(reader)), reader)
    if any(one.provider or one.top_up for one in found):
        return found
    return [*top_ups(owed, reader)[:1], *found]


def _lines(reader: Reader) -> tuple[Line, ...]:
    """Return the lines that pay what a reader owes."""
    currency = site_currency()
    return tuple(
        Line(str(gettext("Your tab")), Money(minor, currency), debts.FAMILY + holder)
        for holder in reader.holders
        if (minor := debts.owed_on(holder, currency))
    )


def _back() -> str:
    return local_path(request.values.get("back", url_for("tab.show")))


def _words(moved: Moved) -> str:
    """Return what a movement was, in the reader's language."""
    if items.is_item(moved):
        return _label(moved.order)
    if moved.kind == "refund" and moved.key.startswith(items.OWN):
        return str(gettext("Taken off: %(what)s", what=_label(moved.order)))
    words = {"charge": gettext("Settled"), "order": gettext("Written off")}
    return str(words.get(moved.kind, gettext("A payment was taken back")))


def _label(order: str) -> str:
    return order_of(order).lines[0].label if order else ""


@pages.post("/")
@callers("anyone")
def settle() -> Any:
    """Order that the tab is paid, alone or with a top-up, as the form says."""
    allow_door("checkout")
    reader = current_reader()
    lines = _lines(reader)
    if not lines:
        return redirect(url_for("tab.show"), 303)
    return order_and_pay(reader, lines, _back())
