"""What readers owe the site: payments that were taken back after what they paid for was spent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.figures.holding import Moved, history
from core.ledger import CLAIMS, TEST
from core.money import Money
from core.payments import Kind, Status, records
from core.storage import execute


@dataclass(frozen=True, slots=True)
class Claim:
    """What one holder owes, `since` when, and for the payments of which orders.

    It `is_open` while the bank has not decided on a dispute of one of them; after that it is lost,
    unless the holder pays.
    """

    holder: str
    amount: Money
    since: datetime
    orders: tuple[str, ...]
    is_open: bool


def claims_of_all(*, mode: str, currency: str, limit: int = 50) -> list[Claim]:
    """Return what holders owe, the largest claim first."""
    prefix = TEST + CLAIMS if mode == "test" else CLAIMS
    rows = execute(
        "SELECT account, minor FROM ledger_balance WHERE currency = ? AND minor > 0 "
        "AND account LIKE ? ORDER BY minor DESC, account LIMIT ?",
        [currency, f"{prefix}%", limit],
    ).fetchall()
    return [
        _claim(account.removeprefix(prefix), Money(minor, currency), mode)
        for account, minor in rows
    ]


def claimed(*, mode: str, currency: str) -> Money:
    """Return what all holders together owe."""
    prefix = TEST + CLAIMS if mode == "test" else CLAIMS
    row = execute(
        "SELECT COALESCE(SUM(minor), 0) FROM ledger_balance WHERE currency = ? AND account LIKE ?",
        [currency, f"{prefix}%"],
    ).fetchone()
    return Money(int(row[0]), currency)


def _claim(holder: str, amount: Money, mode: str) -> Claim:
    moved = history(CLAIMS + holder, amount.currency, mode)
    caused = _caused(moved, amount.minor) or moved[-1:]
    orders = tuple(dict.fromkeys(one.order for one in caused if one.order))
    return Claim(holder, amount, caused[-1].at, orders, any(map(_is_disputed, orders)))


def _caused(moved: list[Moved], minor: int) -> list[Moved]:
    """Return what made a claim grow since it was last nothing, the newest first."""
    found: list[Moved] = []
    for one in moved:  # what a holder gets makes the claim smaller
        if one.minor < 0:
            found.append(one)
        minor += one.minor
        if minor <= 0:
            break
    return found


def _is_disputed(order: str) -> bool:
    return any(one.facts.total(Kind.DISPUTE, Status.PENDING) > 0 for one in records.of_order(order))
