"""Close what was never paid, and move what a guest has to the user it became."""

from __future__ import annotations

import logging

from core import ledger, notices, orders
from core.checkout.refreshing import CANCELLABLE, refresh
from core.checkout.settling import settle
from core.ledger import Leg
from core.money import Money
from core.payments import Cancel, Payment, ProviderRefused, ProviderUnknown, State, records
from core.plugins import catalogue
from core.storage import execute, transaction

log = logging.getLogger("obolo.checkout")


def expire(order_id: str) -> bool:
    """Close an open order whose time is over; False while one of its payments may still succeed.

    What waits for the reader is cancelled at its provider first, so that it cannot be paid late;
    where the provider cannot be asked now, the order stays open and is tried again.
    """
    if not all(_let_go(payment) for payment in records.of_order(order_id)):
        return False
    with transaction():
        order = orders.find(order_id, lock=True)
        if order.state != "open":
            return False
        orders.mark(order, "closed")
        notices.tell("on_order_expired", f"{order.id}:expired", order=order.id)
    return True


def _let_go(payment: Payment) -> bool:
    """Return whether a payment has ended, after cancelling it where that is possible."""
    payment = refresh(payment.id)
    provider = catalogue.providers.get(payment.provider)
    if payment.facts.state in CANCELLABLE and provider is not None:
        try:
            facts = provider.act(payment, Cancel(), f"{payment.id}:cancel")
        except (ProviderUnknown, ProviderRefused) as error:
            log.warning("payment %s is not cancelled yet: %s", payment.id, error)
            return False
        payment = settle(provider, payment.id, facts)
    ended = (State.EXPIRED, State.FAILED, State.CANCELLED)
    return payment.facts.state in ended or (
        payment.facts.state is State.PAID and payment.wrong != ""
    )


def merge(guest: str, user: str) -> int:
    """Move what a guest's bounded accounts hold to the user's, each by one entry; return how many.

    Nothing else knows of it: entitlements and orders stay with the guest's holder, and reads ask
    for all holders of a user. Moving is no new money, so a cap does not stop it.
    """
    with transaction():
        held = ledger.held_by(guest)
        for account, amount in held:
            _move(account, amount, guest, user)
    return len(held)


def _move(account: str, amount: Money, guest: str, user: str) -> None:
    mode = "test" if account.startswith(ledger.TEST) else "live"
    family = account.removeprefix(ledger.TEST).removesuffix(guest)
    legs = execute(
        "SELECT COUNT(*) FROM ledger_leg WHERE account = ? AND currency = ?",
        [account, amount.currency],
    ).fetchone()[0]
    ledger.post(
        f"merge:{account}:{amount.currency}:{legs}",
        [Leg(family + user, amount), Leg(family + guest, -amount)],
        reason="guest became a user", mode=mode, keep_bounds=False,
    )  # fmt: skip
