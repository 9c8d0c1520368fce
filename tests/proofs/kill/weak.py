"""The weak twin: a site with two faults that have been seen in the wild. The proof must catch it.

A new key for each try to pay, and a settling that commits facts, entry and entitlement one by one.
"""

from __future__ import annotations

import sys
import threading

from core import orders
from core.checkout import ordering, paying, settling
from core.crashpoints import crashpoint
from core.orders import Order
from core.payments import Facts, Payment, Provider, records
from core.storage import transaction

_paid = threading.local()


def weaken() -> None:
    """Put the faults into this process and all that are forked from it."""
    paying._unfinished = lambda _tries, _provider, **_how: None
    settling.grant = _grant_later
    for name, module in list(sys.modules.items()):
        if name.startswith("core.checkout") and hasattr(module, "settle"):
            module.settle = _settle


def _grant_later(order: Order) -> None:
    _paid.orders.append(order)


def _settle(provider: Provider, payment_id: str, facts: Facts) -> Payment:
    """Settle like core, but in three transactions."""
    payment = records.find(payment_id)
    known = payment.facts.join(facts)
    if known == payment.facts:
        return payment
    crashpoint("settle-joined")
    with transaction():
        saved = records.save(payment, known, "")
    crashpoint("settle-saved")
    _paid.orders = []
    with transaction():
        order = orders.find(payment.order, lock=True)
        settling.book(order, payment, known, provider)
    crashpoint("settle-booked")
    with transaction():
        for order in _paid.orders:
            ordering.grant(order)
    crashpoint("settle-committed")
    return saved
