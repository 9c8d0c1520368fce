"""Close what was never paid, and move what a guest has to the user it became."""

from __future__ import annotations

from datetime import datetime

from core import ledger, notices, orders
from core.checkout.refreshing import let_go
from core.ledger import Leg
from core.money import Money
from core.payments import records
from core.storage import execute, transaction


def expire(order_id: str, at: datetime | None = None) -> bool:
    """Close an open order whose time is over; False while one of its payments may still succeed.

    What waits for the reader is cancelled at its provider first, so that it cannot be paid late;
    where the provider cannot be asked, the order stays open. With an instant only payments that
    are due `at` it are asked about, so that a task keeps their pauses.
    """
    asked = records.of_order(order_id)
    if not all((at is None or records.is_due(one, at)) and let_go(one) for one in asked):
        return False
    with transaction():
        order = orders.find(order_id, lock=True)
        if order.state != "open" or len(records.of_order(order_id)) > len(asked):
            return False  # it was paid, or begun to be paid, while we asked
        orders.mark(order, "closed")
        notices.tell("on_order_expired", f"{order.id}:expired", order=order.id)
    return True


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
