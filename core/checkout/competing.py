"""Several tries to pay one order: the one chosen last goes on, and none can be paid beside it."""

from __future__ import annotations

from core import orders
from core.checkout.refreshing import let_go
from core.errors import Conflict
from core.payments import Payment, State, records
from core.storage import transaction

WAITING = (State.NEW, State.CUSTOMER)


def refuse_under_way(tries: list[Payment]) -> None:
    """Refuse to pay beside a payment on which the bank has the last word. Raises Conflict."""
    if any(payment.facts.state in (State.BANK, State.READY) for payment in tries):
        raise Conflict("A payment for this order is on its way already.")


def let_others_go(payment: Payment, tries: list[Payment]) -> None:
    """Cancel tries that could still be paid beside this one. Raises Conflict where one was paid.

    One that failed may be tried again on its page. One without a reference was given to nobody yet:
    whoever begins it finds this payment, see `attach`.
    """
    for one in tries:
        competes = _competes(one, payment)
        if one.id == payment.id or not (competes or one.facts.state is State.FAILED):
            continue
        is_out = competes and (one.ref or one.method)
        if not let_go(one) and is_out and orders.find(payment.order).state == "open":
            raise Conflict("A payment for this order is on its way already.")
    if tries and orders.find(payment.order).state != "open":
        raise Conflict("This order is no longer open.")


def attach(payment: Payment, ref: str, tries: list[Payment]) -> None:
    """Store the provider's reference, unless another page was chosen since `tries` were read.

    Raises Conflict; then this payment is let go.
    """
    with transaction():
        orders.find(payment.order, lock=True)
        records.attach(payment, ref)
        known = {payment.id, *(one.id for one in tries)}
        later = [one for one in records.of_order(payment.order) if one.id not in known]
    if any(_competes(one, payment) for one in later):
        let_go(payment)
        raise Conflict("Another way to pay was chosen meanwhile.")


def _competes(one: Payment, payment: Payment) -> bool:
    """Tell whether a try that waits could be paid beside a payment without a further choice.

    The pages of two providers may both be open: the first one that is paid shuts the other.
    """
    is_charge = one.method != "" or payment.method != ""
    return one.facts.state in WAITING and (is_charge or one.provider == payment.provider)
