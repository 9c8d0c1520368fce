"""Several tries to pay one order: one goes on, and none can be paid beside it."""

from __future__ import annotations

from core import orders
from core.checkout.refreshing import let_go
from core.errors import Conflict
from core.payments import Payment, State


def refuse_under_way(tries: list[Payment]) -> None:
    """Refuse to pay beside a payment on which the bank has the last word. Raises Conflict."""
    if any(payment.facts.state in (State.BANK, State.READY) for payment in tries):
        raise Conflict("A payment for this order is on its way already.")


def let_others_go(payment: Payment, tries: list[Payment]) -> None:
    """Cancel tries that could still be paid beside this one. Raises Conflict where one was paid.

    One that failed may be tried again on its page; a kept method is charged without a page.
    """
    for one in tries:
        is_charge = one.method != "" or payment.method != ""
        unfinished = one.facts.state in (State.NEW, State.CUSTOMER) and is_charge
        if one.id == payment.id or not (unfinished or one.facts.state is State.FAILED):
            continue
        if not let_go(one) and unfinished and orders.find(payment.order).state == "open":
            raise Conflict("A payment for this order is on its way already.")
    if tries and orders.find(payment.order).state != "open":
        raise Conflict("This order is no longer open.")
