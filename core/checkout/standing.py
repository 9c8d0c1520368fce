"""What an order opened stands as its payment does: active, suspended or revoked."""

from __future__ import annotations

from core import entitlements, orders
from core.checkout import booking
from core.orders import Order
from core.payments import Facts, Kind, Movement, Payment, Status, records


def pays(payment: Payment, movement: Movement) -> bool:
    """Tell whether a movement is a charge of exactly what was asked."""
    amount = (movement.minor, movement.currency)
    return movement.kind is Kind.CHARGE and amount == (
        payment.amount.minor,
        payment.amount.currency,
    )


def follow(order: Order, payment: Payment, before: Facts, known: Facts) -> None:
    """Set what the order opened to what the facts leave of it."""
    if order.payment != payment.id or before == known:
        return
    gone = not booking.is_covered(payment, known.movements)
    if gone and order.state == "paid":
        orders.reopen(order)
    if all(m.kind is Kind.CHARGE for m in known.movements) and not gone:
        return
    entitlements.set_states(order.id, states(order, payment, known, gone=gone))


def states(order: Order, payment: Payment, known: Facts, *, gone: bool) -> dict[int, str]:
    """Return active, suspended or revoked for each line that grants something.

    An open dispute suspends, a lost one revokes, a won one restores; a line whose money went back
    whole is revoked.
    """
    disputes = {m.status for m in known.movements if m.kind is Kind.DISPUTE}
    overall = "active"
    if gone or Status.DONE in disputes:
        overall = "revoked"
    elif Status.PENDING in disputes:
        overall = "suspended"
    back = booking.refunded(payment, known.movements, records.refunds(payment))
    all_back = sum(back.values()) >= order.total.minor
    return {
        line.number: "revoked"
        if all_back or _is_back(order, line.part_of or line.number, back)
        else overall
        for line in order.lines
        if line.grants
    }


def _is_back(order: Order, number: int, back: dict[int, int]) -> bool:
    worth = sum(line.amount.minor for line in order.group(number))
    return 0 < worth <= back.get(number, 0)
