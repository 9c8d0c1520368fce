"""What one bounded account holds: how much may still be taken from it, and how it came to that."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.ledger import TEST, balance, bound_of
from core.storage import execute, instant


@dataclass(frozen=True, slots=True)
class Moved:
    """One movement on an account: above zero what its holder got, in minor units.

    `kind` is the word of the entry's key that says what moved: charge, refund, dispute, order,
    merge, aside, unaside. `order` names what it belongs to.
    """

    at: datetime
    minor: int
    kind: str
    reason: str
    order: str
    key: str


def spare(account: str, currency: str, mode: str = "live") -> int | None:
    """Return how much an account can still be debited, in minor units; None when nothing bounds it.

    What the site owes (a balance) may fall to its least, what is owed to it (a tab) grow to its
    most.
    """
    bound = bound_of(account)
    is_owed = account.startswith(("liabilities:", "income:"))
    if bound is None or (limit := bound.least if is_owed else bound.most) is None:
        return None
    held = _held(account, currency, mode)
    return -held - limit if is_owed else limit - held


def _held(account: str, currency: str, mode: str) -> int:
    """Return the sum of a bounded account's legs, from its one row where there is one."""
    path = TEST + account if mode == "test" else account
    row = execute(
        "SELECT minor FROM ledger_balance WHERE account = ? AND currency = ?", [path, currency]
    ).fetchone()
    return balance(account, currency, mode).minor if row is None else int(row[0])


def history(account: str, currency: str, mode: str = "live", limit: int = 500) -> list[Moved]:
    """Return what moved on a holder's account, the newest first."""
    rows = execute(
        "SELECT entry.at, leg.minor, entry.key, entry.reason, COALESCE(entry.order_id, '') "
        "FROM ledger_leg leg JOIN ledger_entry entry ON entry.id = leg.entry_id "
        "WHERE leg.account = ? AND leg.currency = ? ORDER BY entry.id DESC LIMIT ?",
        [TEST + account if mode == "test" else account, currency, limit],
    ).fetchall()
    return [
        Moved(instant(at), -minor, _kind(key), reason, order, key)
        for at, minor, key, reason, order in rows
    ]


def _kind(key: str) -> str:
    first, second, *_rest = (*key.split(":"), "")
    return first if first in ("order", "merge", "aside", "unaside") else second
