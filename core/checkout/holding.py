"""Decide about money that is held: take it, or let it go; stored first, asked until known."""

from __future__ import annotations

from core import audit, orders
from core.checkout.closing import expire
from core.checkout.refreshing import act
from core.crashpoints import crashpoint
from core.errors import Conflict, Refused
from core.payments import (
    Cancel,
    Capture,
    Payment,
    ProviderRefused,
    ProviderUnknown,
    State,
    records,
)
from core.plugins import catalogue
from core.storage import transaction


def capture(order_id: str, *, actor: str) -> Payment:
    """Take the money that is held for an order; the order is paid by it.

    Raises Conflict when nothing is held or it is decided already, Refused when the provider says
    no. While its answer is not known, `refresh` repeats the question with the same key.
    """
    payment = _decide(order_id, "capture", actor)
    try:
        return act(catalogue.providers[payment.provider], payment, Capture(), _key(payment))
    except ProviderUnknown:
        return payment
    except ProviderRefused as error:
        with transaction():
            records.set_hold(payment.id, "held")
        raise Refused("The provider refused: {why}", why=error) from error


def release(order_id: str, *, actor: str) -> Payment:
    """Let the money go that is held for an order, and close the order where it has ended.

    Raises Conflict when nothing is held or it is decided already.
    """
    payment = _decide(order_id, "release", actor)
    provider = catalogue.providers[payment.provider]
    try:
        act(provider, payment, Cancel(), f"{payment.id}:cancel")
    except (ProviderUnknown, ProviderRefused):
        return records.find(payment.id)
    expire(order_id)
    return records.find(payment.id)


def _decide(order_id: str, decision: str, actor: str) -> Payment:
    with transaction():
        order = orders.find(order_id, lock=True)
        payment = held_for(order_id)
        if payment is None or order.state != "open" or payment.provider not in catalogue.providers:
            raise Conflict("No money is held for this order, or it was decided about already.")
        records.set_hold(payment.id, decision)
        records.look_soon(payment.id)
        audit.record(
            f"orders.{decision}", actor=actor, subject=order.id, amount=str(payment.amount)
        )
    crashpoint("hold-decided")
    return records.find(payment.id)


def held_for(order_id: str) -> Payment | None:
    """Return the payment that holds money for an order and waits for a decision."""
    tries = records.of_order(order_id)
    return next(
        (one for one in tries if one.hold == "held" and one.facts.state is State.READY), None
    )


def _key(payment: Payment) -> str:
    return f"{payment.id}:capture"
