"""Orders: find them, see what happened to one, give money of it back line by line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for
from flask_babel import lazy_gettext as _

from core import checkout, entitlements, orders, timeline
from core.errors import BadInput, Conflict, Refused
from core.money import Money
from core.orders import Order
from core.payments import Movement, Payment, records
from core.payments.searching import Sale, Wanted, find, providers_used
from core.people import current_reader, users
from core.plugins import catalogue
from core.web.admin.listing import Asked, Filter, show_list
from core.web.admin.shell import admin_page
from core.web.callers import callers
from core.web.doors import told

blueprint = Blueprint("admin_orders", __name__, url_prefix="/admin/orders")

STATES = {"open": _("not paid"), "paid": _("paid"), "closed": _("closed")}
MODES = {"live": _("real money"), "test": _("play money")}
LONGEST_REASON = 300


@blueprint.get("/")
@callers("orders.view")
def show() -> Response:
    """List orders, newest first, as the address filters them."""
    filters = (
        Filter("q", _("Number of an order or payment")),
        Filter("state", _("State"), "choice", tuple(STATES.items())),
        Filter("provider", _("Paid by"), "choice", tuple((one, one) for one in providers_used())),
        Filter("mode", _("Money"), "choice", tuple(MODES.items())),
        Filter("from", _("From"), "day"),
        Filter("to", _("Until"), "day"),
        Filter("holder", _("Reader"), "hidden"),
    )
    return show_list("admin/orders.html", filters, _found, as_row=_row, states=STATES)


def _found(asked: Asked) -> Sequence[Sale]:
    wanted = Wanted(
        asked["q"], asked["state"], asked["mode"], asked["provider"], _holders(asked["holder"]),
        asked.since("from"), asked.until("to"),
    )  # fmt: skip
    return find(wanted, limit=asked.limit, offset=asked.offset)


def _holders(holder: str) -> Sequence[str]:
    return (holder, *users.claimed_by(holder)) if holder else ()


def _row(sale: Sale) -> Mapping[str, object]:
    order = sale.order
    assert order.created
    return {
        "order": order.id, "created": order.created.isoformat(), "state": order.state,
        "mode": order.mode, "holder": order.holder, "provider": sale.provider,
        "total": order.total.decimal, "refunded": sale.back.decimal, "currency": order.currency,
        "lines": "; ".join(line.label for line in order.lines),
    }  # fmt: skip


@blueprint.get("/<id>")
@callers("orders.view")
def order(id: str) -> Response:
    """Show one order: its lines, what happened, what was booked, what can go back."""
    return _page(orders.find(id))


def _page(order: Order, status: int = 200, **more: Any) -> Response:
    payments = records.of_order(order.id)
    paid_by = next((one for one in payments if one.id == order.payment), None)
    can_refund = "orders.refund" in current_reader().permissions
    left = checkout.left(order, paid_by) if paid_by and order.state == "paid" else {}
    return admin_page(
        "admin/order.html", status, order=order, payments=payments,
        events=timeline.of_order(order), entries=timeline.entries_of(order.id),
        keys=[one for one in entitlements.of_holders([order.holder]) if one.order == order.id],
        refunds=[one for payment in payments for one in records.refunds(payment)],
        left={number: Money(minor, order.currency) for number, minor in left.items() if minor > 0},
        worth=_worth(order), ways=_ways(paid_by), can_refund=can_refund, states=STATES,
        form_id=checkout.new_refund_id(), held=checkout.held_for(order.id),
        unnamed=_unnamed(paid_by), **more,
    )  # fmt: skip


def _unnamed(payment: Payment | None) -> list[tuple[Movement, Money]]:
    """Return the refunds that belong to no line yet, each with its amount."""
    found = checkout.unnamed(payment) if payment else []
    return [(one, Money(one.minor, one.currency)) for one in found]


def _worth(order: Order) -> dict[int, Money]:
    """Return what each line costs with the lines that are part of it."""
    return {
        line.number: Money.total((one.amount for one in order.group(line.number)), order.currency)
        for line in order.lines
        if line.part_of is None
    }


def _ways(payment: Payment | None) -> list[str]:
    """Return by which providers money can go back: the way it came first, then what keeps it."""
    if payment is None:
        return []
    keepers = [one.name for one in catalogue.providers.values() if "keep" in one.can]
    return list(dict.fromkeys((payment.provider, *keepers)))


@blueprint.post("/<id>/refund")
@callers("orders.refund", confirmed=True)
def refund(id: str) -> Any:
    """Give back what was typed for each line, once, however often the form is sent."""
    order, form = orders.find(id), request.form
    try:
        lines = _typed(order)
        checkout.refund(
            id, lines, actor=current_reader().holder, reason=_reason(), to=form.get("to", ""),
            refund_id=form.get("form_id", "") or "none",
        )  # fmt: skip
    except (BadInput, Refused, Conflict) as error:
        return _page(order, 422, error=told(error), typed=form)
    return redirect(url_for("admin_orders.order", id=id, _anchor="refunds"), 303)


def _reason() -> str:
    reason = " ".join(request.form.get("reason", "").split())
    if not reason or len(reason) > LONGEST_REASON:
        raise BadInput("Please write why, in at most {most} characters.", most=LONGEST_REASON)
    return reason


def _typed(order: Order) -> dict[int, int]:
    """Return the minor units that were typed for each line. Raises BadInput."""
    language = current_reader().language
    typed = {
        line.number: Money.parse(text, order.currency, language).minor
        for line in order.lines
        if (text := request.form.get(f"line-{line.number}", "").strip())
    }
    lines = {number: minor for number, minor in typed.items() if minor}
    if not lines:
        raise BadInput("Please say for at least one line how much goes back.")
    return lines


@blueprint.post("/<id>/name")
@callers("orders.refund", confirmed=True)
def name(id: str) -> Any:
    """Say for which lines a refund was that somebody made at the provider."""
    order, form = orders.find(id), request.form
    try:
        checkout.name_refund(
            id, form.get("movement", ""), _typed(order), actor=current_reader().holder,
            reason=_reason(),
        )  # fmt: skip
    except (BadInput, Refused, Conflict) as error:
        return _page(order, 422, name_error=told(error), typed=form)
    return redirect(url_for("admin_orders.order", id=id, _anchor="refunds"), 303)


@blueprint.post("/<id>/decide")
@callers("orders.refund", confirmed=True)
def decide(id: str) -> Any:
    """Take the money that is held for an order, or let it go, as the button says."""
    order, me = orders.find(id), current_reader().holder
    decision = DECISIONS.get(request.form.get("decision", ""))
    if decision is None:
        raise BadInput("Please choose what is to be done.")
    try:
        decision(id, actor=me)
    except (Refused, Conflict) as error:
        return _page(order, 422, held_error=told(error))
    return redirect(url_for("admin_orders.order", id=id), 303)


DECISIONS = {"capture": checkout.capture, "release": checkout.release}
"""What can be done with money that is held, by the value of its button."""
