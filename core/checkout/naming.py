"""Name the lines of a refund that somebody made at the provider: until then it is unassigned."""

from __future__ import annotations

from dataclasses import replace

from core import audit, entitlements, ledger, orders
from core.checkout import booking
from core.checkout.refunding import left, new_refund_id
from core.checkout.standing import states
from core.errors import BadInput, Conflict
from core.money import Money
from core.orders import Order
from core.payments import Kind, Movement, Payment, Status, records
from core.payments.records import AskedRefund
from core.plugins import catalogue
from core.storage import transaction


def unnamed(payment: Payment) -> list[Movement]:
    """Return the refunds of a payment that core did not ask for and nobody has named yet."""
    named = {one.movement for one in records.refunds(payment)}
    asked = {one.id for one in records.refunds(payment)}
    return [
        m
        for m in records.owned(payment)
        if m.kind is Kind.REFUND
        and m.status is Status.DONE
        and m.asked not in asked
        and m.id not in named
    ]


def name_refund(
    order_id: str, movement_id: str, lines: dict[int, int], *, actor: str, reason: str
) -> AskedRefund:
    """Say for which lines a refund of the provider's was, to the last cent of it.

    Booked by a further entry; what a line granted goes when nothing of it is left. Raises Conflict
    when there is no such refund, or it is named already, and BadInput for other sums.
    """
    with transaction():
        order = orders.find(order_id, lock=True)
        payment = records.find(order.payment) if order.payment else None
        found = [m for m in unnamed(payment) if m.id == movement_id] if payment else []
        if payment is None or not found or payment.provider not in catalogue.providers:
            raise Conflict("There is no such refund that waits for a name.")
        _check(order, payment, found[0], lines)
        named = AskedRefund(
            new_refund_id(), payment.id, Money(found[0].minor, order.currency), lines,
            payment.provider, "done", reason, movement_id,
        )  # fmt: skip
        _book(order, payment, named)
        audit.record(
            "orders.name_refund", actor=actor, subject=order.id, refund=movement_id,
            amount=str(named.amount), reason=reason,
        )  # fmt: skip
    return named


def _check(order: Order, payment: Payment, found: Movement, lines: dict[int, int]) -> None:
    available = left(order, payment)
    too_much = [n for n, minor in lines.items() if not 0 < minor <= available.get(n, 0)]
    if too_much:
        raise BadInput("Line {number} has not that much left to give back.", number=too_much[0])
    if found.currency != order.currency or sum(lines.values()) != found.minor:
        raise BadInput("The lines must come to what went back, to the cent.")


def _book(order: Order, payment: Payment, named: AskedRefund) -> None:
    provider = catalogue.providers[payment.provider]
    owned = records.owned(payment)
    before = booking.Books(order, payment, owned, refunds=records.refunds(payment))
    records.store_refund(named)
    after = replace(before, refunds=records.refunds(payment))
    ledger.post(
        f"{payment.provider}:{Kind.REFUND}:{named.movement}:lines:{named.id}",
        booking.difference(after.legs(provider.till), before.legs(provider.till)),
        reason="refund named", mode=payment.facts.mode or payment.mode, order=order.id,
        spill=ledger.CLAIMS + order.holder,
    )  # fmt: skip
    if booking.is_covered(payment, payment.facts.movements):
        entitlements.set_states(order.id, states(order, payment, payment.facts, gone=False))
