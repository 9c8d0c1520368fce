"""Settle: join what a provider reports, book what follows, open or close what was bought."""

from __future__ import annotations

import logging
from dataclasses import replace

from core import entitlements, notices, orders
from core.checkout import announcing, booking, receipts, standing
from core.checkout.ordering import grant
from core.crashpoints import crashpoint
from core.orders import Order
from core.payments import (
    Facts,
    Kind,
    Movement,
    Payment,
    Provider,
    State,
    Status,
    methods,
    records,
    wrong,
)
from core.storage import in_transaction, transaction

log = logging.getLogger("obolo.checkout")


def settle(provider: Provider, payment_id: str, facts: Facts) -> Payment:
    """Put a provider's report into the books, once, however often and in what order it comes.

    One transaction: join, entries, entitlements, order, notices. Returns the payment as it is now.
    """
    payment = records.find(payment_id)
    with transaction():
        order = orders.find(payment.order, lock=True)
        payment = records.find(payment_id)
        known = payment.facts.join(facts)
        if known == payment.facts:
            return payment
        crashpoint("settle-joined")
        settled = book(order, payment, known, provider)
        crashpoint("settle-booked")
        payment = records.save(payment, known, settled)
        crashpoint("settle-saved")
    crashpoint("settle-committed")
    return payment


def book(
    order: Order, payment: Payment, known: Facts, provider: Provider, stored: Order | None = None
) -> str:
    """Book what `known` says beyond `payment.facts`; return what is wrong with it, or nothing.

    The caller holds the order's lock; `stored` is the order where it was written as paid already.
    """
    assert in_transaction()
    before = payment.facts
    problem = _problem(order, payment, known, provider)
    ours = [movement for movement in known.movements if records.own(payment, movement)]
    mine = known
    if len(ours) < len(known.movements):
        problem = problem or "reused"
        mine = replace(known, movements=tuple(ours))
    opening = _opening(order, payment, known, problem)
    came_in = known.total(Kind.CHARGE, Status.DONE) > 0
    if came_in and opening is None and order.payment != payment.id:
        problem = problem or payment.wrong or "amount"
    if problem != "payee":  # what another payee got never came in
        booking.book(order, payment, mine, provider, opening)
    if opening is not None:
        order = stored or _paid(order, payment)
    if problem and problem != payment.wrong:
        announcing.report(payment, problem)
    if opening is not None:
        grant(order)
        notices.tell("on_order_paid", f"{order.id}:paid", order=order.id)
        receipts.send(order)
    if payment.save and not problem:
        _keep_method(order, payment, known)
    standing.follow(order, payment, before, known)
    announcing.announce(order, payment, before, known)
    return problem


def _keep_method(order: Order, payment: Payment, known: Facts) -> None:
    """Keep the method that a reader asked to be kept, once the provider has done so."""
    is_kept = known.saved and known.state in (State.SAVED, State.PAID)
    earlier = payment.facts.saved and payment.facts.state in (State.SAVED, State.PAID)
    if not is_kept or earlier:
        return
    if methods.keep(payment, order.holder, known.saved or "", known.saved_label or ""):
        notices.tell("on_payment_saved", f"{payment.id}:saved", order=order.id)


def _paid(order: Order, payment: Payment) -> Order:
    entitlements.renew(order.id)
    records.look_at_others(payment)
    return orders.mark(order, "paid", payment=payment.id, mode=payment.mode)


def _problem(order: Order, payment: Payment, known: Facts, provider: Provider) -> str:
    problem = wrong(payment, known, provider.payee)
    if problem or order.payment == payment.id or order.state == "open":
        return problem
    return "closed" if known.total(Kind.CHARGE, Status.DONE) else ""


def _opening(order: Order, payment: Payment, known: Facts, problem: str) -> Movement | None:
    """Return the one new charge that pays the order: the amount asked, while it is open."""
    if problem or order.state != "open":
        return None
    news = (m for m in known.movements if m.status is Status.DONE and standing.pays(payment, m))
    first = next(news, None)
    earlier = first and payment.facts.movement(first.kind, first.id)
    return None if earlier and earlier.status is Status.DONE else first
