"""Say what became known of a payment: to plugins once for each fact, to the owner what is wrong."""

from __future__ import annotations

import logging

from core import audit, notices
from core.orders import Order
from core.payments import Facts, Kind, Payment, State, Status

log = logging.getLogger("obolo.checkout")


def report(payment: Payment, problem: str) -> None:
    """Say that money came in which is not what was asked for."""
    log.error("payment %s is wrong: %s; what came in is unassigned", payment.id, problem)
    audit.record(
        "payment.wrong",
        actor=payment.provider,
        subject=payment.id,
        order=payment.order,
        problem=problem,
    )


def announce(order: Order, payment: Payment, before: Facts, known: Facts) -> None:
    """Store what plugins are to be told of these facts, once for each."""
    if known.state is State.FAILED and before.state is not State.FAILED:
        notices.tell("on_payment_failed", f"{payment.id}:failed", order=order.id)
    for m in known.movements:
        if m == before.movement(m.kind, m.id):
            continue
        if m.kind is Kind.DISPUTE:
            notices.tell(
                "on_dispute", f"{payment.id}:{m.id}:{m.status}", order=order.id, status=m.status
            )
        if m.kind is Kind.REFUND and m.status is Status.DONE:
            notices.tell("on_order_refunded", f"{payment.id}:{m.id}", order=order.id, minor=m.minor)
