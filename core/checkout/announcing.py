"""Say what became known of a payment: to plugins once for each fact, to the owner what is wrong."""

from __future__ import annotations

import logging

from flask_babel import force_locale, gettext

from core import audit, mail, notices
from core.checkout.receipts import recipient
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


def ask_to_confirm(order: Order, payment: Payment) -> None:
    """Send the reader to the page where they pay: their bank wants them to be there."""
    found = recipient(order.holder)
    if found is None or not payment.back:
        return
    email, language = found
    with force_locale(language):
        total = order.total.format(language)
        subject = gettext("Please confirm a payment of %(total)s", total=total)
        body = gettext(
            "%(label)s\n\nYour bank wants you to confirm this payment yourself. Nothing was taken "
            "yet. Pay here: %(address)s",
            label=order.lines[0].label, address=payment.back,
        )  # fmt: skip
    mail.send(email, subject, body, language, holder=order.holder, about=order.id)


def announce(order: Order, payment: Payment, before: Facts, known: Facts) -> None:
    """Store what plugins are to be told of these facts, once for each."""
    if known.state is State.FAILED and before.state is not State.FAILED:
        notices.tell("on_payment_failed", f"{payment.id}:failed", order=order.id)
    if known.warning and not before.warning:
        audit.record(
            "payment.warning", actor=payment.provider, subject=payment.id, order=order.id,
            warning=known.warning,
        )  # fmt: skip
        notices.tell("on_dispute", f"{payment.id}:warning", order=order.id, status="warning")
    if payment.method and known.state is State.CUSTOMER and before.state is State.NEW:
        ask_to_confirm(order, payment)
    for m in known.movements:
        if m == before.movement(m.kind, m.id):
            continue
        if m.kind is Kind.DISPUTE:
            notices.tell(
                "on_dispute", f"{payment.id}:{m.id}:{m.status}", order=order.id, status=m.status
            )
        if m.kind is Kind.REFUND and m.status is Status.DONE:
            notices.tell("on_order_refunded", f"{payment.id}:{m.id}", order=order.id, minor=m.minor)
