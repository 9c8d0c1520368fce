"""What a reader's balance is, how it came to that, and which top-ups are not spent yet.

A person may have been several guests before they became a user; merging moved what those had, so
the balance is in one place and its history in several. Both are read together here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core import Money, Moved, Reader, history_of, now, site_currency, site_mode, spare_of, value

FAMILY = "liabilities:wallet:"
LONGEST = 500
OWN = "wallet:"
"""How keys of the balance's own movements begin; any other brought money in, or took it out."""


@dataclass(frozen=True, slots=True)
class TopUp:
    """Money that a reader paid in by an order; `unspent` of it is still there."""

    order: str
    at: datetime
    paid_in: Money
    unspent: Money

    @property
    def can_go_back(self) -> bool:
        """Whether the reader may still have it back."""
        until = self.at + timedelta(days=value("wallet.refund_days"))
        return self.unspent.minor > 0 and now() < until


def balance_of(reader: Reader, currency: str = "") -> Money:
    """Return what the site owes a reader."""
    currency = currency or site_currency()
    held = spare_of(FAMILY + reader.holder, currency, site_mode()) if reader.holder else 0
    return Money(held or 0, currency)


def movements(reader: Reader, currency: str = "", limit: int = LONGEST) -> list[Moved]:
    """Return what moved on a reader's balance, the newest first.

    Merging is no movement, and neither is what was set aside for a refund that has ended.
    """
    currency = currency or site_currency()
    found = [
        moved
        for holder in reader.holders
        for moved in history_of(FAMILY + holder, currency, site_mode(), limit)
        if moved.kind != "merge"
    ]
    ended = {moved.key.partition(":")[2] for moved in found if moved.kind == "unaside"}
    shown = [
        moved
        for moved in found
        if moved.kind not in ("aside", "unaside") or moved.key.partition(":")[2] not in ended
    ]
    return sorted(shown, key=lambda moved: moved.at, reverse=True)[:limit]


def top_ups(moved: Sequence[Moved], balance: Money) -> list[TopUp]:
    """Return what was paid in and how much of each is unspent, the newest first.

    What is spent is taken from the oldest money first, so what is left is the newest: each payment
    in is unspent as far as the balance, less what came in after it, reaches.
    """
    taken_back: Counter[str] = Counter()
    for one in moved:
        if one.kind != "charge" and not one.key.startswith(OWN):
            taken_back[one.order] += one.minor
    found, left = [], balance.minor
    for one in moved:
        if one.minor <= 0 or (one.kind != "charge" and not one.key.startswith(OWN)):
            continue
        is_paid_in = one.kind == "charge"
        worth = one.minor + (taken_back[one.order] if is_paid_in else 0)
        unspent = max(0, min(worth, left))
        left -= unspent
        if is_paid_in:
            amount, rest = (Money(minor, balance.currency) for minor in (one.minor, unspent))
            found.append(TopUp(one.order, one.at, amount, rest))
    return found


def paid_in_today(reader: Reader, currency: str) -> int:
    """Return how many minor units a reader paid in since midnight UTC."""
    start = now().replace(hour=0, minute=0, second=0, microsecond=0)
    return sum(
        one.minor
        for one in movements(reader, currency)
        if one.at >= start and one.kind == "charge" and one.minor > 0
    )
