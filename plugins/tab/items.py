"""What stands on a tab: each thing with its day and price, and what of it is still owed.

A person may have been several guests before they became a user; merging moved what those owed, so
the debt is in one place and its history in several. Both are read together here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core import Money, Moved, Reader, history_of, site_currency, site_mode
from plugins.tab.debts import FAMILY

LONGEST = 500
OWN = "tab:"
"""How keys of what was put on a tab, or taken off it, begin."""


@dataclass(frozen=True, slots=True)
class Item:
    """One order on a tab; `owed` of its `price` is not paid yet."""

    order: str
    at: datetime
    price: Money
    owed: Money


def movements(reader: Reader) -> list[Moved]:
    """Return what moved on a reader's tab, the newest first; merging is no movement."""
    found = [
        moved
        for holder in reader.holders
        for moved in history_of(FAMILY + holder, site_currency(), site_mode(), LONGEST)
        if moved.kind != "merge"
    ]
    return sorted(found, key=lambda moved: moved.at, reverse=True)[:LONGEST]


def is_item(moved: Moved) -> bool:
    """Tell whether a movement put something on the tab."""
    return moved.kind == "charge" and moved.key.startswith(OWN)


def unpaid(moved: Sequence[Moved], owed: Money) -> list[Item]:
    """Return what is not paid yet, the newest first: what is paid, is paid from the oldest on."""
    taken_off: Counter[str] = Counter()
    for one in moved:
        if one.kind == "refund" and one.key.startswith(OWN):
            taken_off[one.order] += one.minor
    found, left = [], owed.minor
    for one in filter(is_item, moved):
        price = -one.minor - taken_off[one.order]
        part = min(price, left)
        left -= part
        if part > 0:
            amounts = (Money(minor, owed.currency) for minor in (price, part))
            found.append(Item(one.order, one.at, *amounts))
    return found
