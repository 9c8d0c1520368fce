"""Of several tries to pay an order the one chosen last stands, and the others are let go."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from core import orders
from core.checkout.refreshing import let_go
from core.errors import Conflict
from core.payments import Payment, Provider, State, records
from core.storage import transaction


def let_go_of_others(tries: list[Payment], payment: Payment) -> None:
    """Let go what could be paid beside this payment. Raises Conflict when that is too late.

    One without a reference was given to nobody yet: whoever begins it finds this one, see `attach`.
    """
    for failed in (one for one in tries if one.facts.state is State.FAILED):
        let_go(failed)  # or its page could still be paid beside this one
    late = [one for one in _other_door(tries, payment) if not let_go(one) and one.ref]
    if tries and orders.find(payment.order).state != "open":
        raise Conflict("This order is no longer open.")
    if late:
        raise Conflict("A payment for this order is on its way already.")


def attach(payment: Payment, ref: str, seen: Collection[str]) -> None:
    """Store the provider's reference, unless the reader chose the other door meanwhile."""
    with transaction():
        orders.find(payment.order, lock=True)
        records.attach(payment, ref)
        later = [one for one in records.of_order(payment.order) if one.id not in seen]
    if _other_door(later, payment):
        let_go(payment)
        raise Conflict("Another way to pay was chosen meanwhile.")


def unfinished(tries: list[Payment], provider: Provider, *, inline: bool) -> Payment | None:
    """Return the try that goes on; None for a new one. Raises Conflict while the bank decides."""
    if any(payment.facts.state in (State.BANK, State.READY) for payment in tries):
        raise Conflict("A payment for this order is on its way already.")
    own = [one for one in tries if (one.provider, one.inline) == (provider.name, inline)]
    return next((one for one in own if one.facts.state in (State.NEW, State.CUSTOMER)), None)


def _other_door(tries: Iterable[Payment], payment: Payment) -> list[Payment]:
    """Return those on the provider's page where this one is on the site's, and the other way."""
    door = (payment.provider, not payment.inline)
    waiting = (State.NEW, State.CUSTOMER)
    return [
        one for one in tries
        if (one.provider, one.inline) == door and one.facts.state in waiting
    ]  # fmt: skip
