"""What the site owes and to whom, and money that belongs to no order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.figures.daily import money
from core.ledger import TEST, UNASSIGNED
from core.money import Money
from core.payments import Kind, Status, records
from core.storage import execute, instant

LIABILITIES = "liabilities:"


@dataclass(frozen=True, slots=True)
class Balance:
    """What the site owes on one account; `holder` is whose it is, where it is somebody's."""

    account: str
    holder: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Unassigned:
    """Money that came in, or went out, and belongs to no line.

    `wrong` says in what the payment differs from what was asked (reference, payee, mode, currency,
    amount, closed, reused); it is empty for what nobody asked for, such as a refund made elsewhere.
    """

    at: datetime
    amount: Money
    key: str
    order: str
    payment: str
    wrong: str


def owed(*, mode: str, currency: str) -> list[Balance]:
    """Return what the site owes by account or family of accounts, the largest first."""
    sums: Counter[str] = Counter()
    for row in money(None, mode, currency, LIABILITIES):
        sums[row.account] -= row.minor
    found = [Balance(account, "", Money(minor, currency)) for account, minor in sums.items()]
    return sorted((one for one in found if one.amount), key=lambda one: -one.amount.minor)


def balances(*, mode: str, currency: str, limit: int = 50) -> list[Balance]:
    """Return the holders to whom the site owes most, and on which account."""
    prefix = TEST if mode == "test" else ""
    rows = execute(
        "SELECT account, minor FROM ledger_balance WHERE currency = ? AND minor < 0 "
        "AND account LIKE ? ORDER BY minor LIMIT ?",
        [currency, f"{prefix}{LIABILITIES}%", limit],
    ).fetchall()
    return [
        Balance(
            account.removeprefix(prefix).rpartition(":")[0], account.rpartition(":")[2],
            Money(-minor, currency),
        )
        for account, minor in rows
    ]  # fmt: skip


def unassigned(mode: str, limit: int = 500) -> list[Unassigned]:
    """Return what is booked as unassigned, the newest first."""
    rows = execute(
        "SELECT entry.at, leg.minor, leg.currency, entry.key, COALESCE(entry.order_id, '') "
        "FROM ledger_leg leg JOIN ledger_entry entry ON entry.id = leg.entry_id "
        "WHERE leg.account = ? ORDER BY entry.id DESC LIMIT ?",
        [TEST + UNASSIGNED if mode == "test" else UNASSIGNED, limit],
    ).fetchall()
    return [
        Unassigned(instant(at), Money(-minor, currency), key, order, *_payment_of(key))
        for at, minor, currency, key, order in rows
    ]


def disputed(providers: Sequence[str], mode: str) -> list[tuple[str, Money]]:
    """Return the orders whose money is disputed now, at these providers, and how much of it."""
    if not providers:
        return []
    marks = ", ".join("?" * len(providers))
    rows = execute(
        "SELECT DISTINCT payment_id FROM payments_movement "
        f"WHERE provider IN ({marks}) AND kind = ? ORDER BY payment_id",
        [*providers, str(Kind.DISPUTE)],
    ).fetchall()
    found = [records.find(row[0]) for row in rows]
    return [
        (payment.order, Money(minor, payment.amount.currency))
        for payment in found
        if payment.mode == mode and (minor := payment.facts.total(Kind.DISPUTE, Status.PENDING))
    ]


def _payment_of(key: str) -> tuple[str, str]:
    """Return the payment whose movement an entry's key names, and what is wrong with it."""
    provider, kind, movement = (*key.split(":", 2), "", "")[:3]
    while movement:
        row = execute(
            "SELECT payment.id, payment.wrong FROM payments_movement movement "
            "JOIN payments_payment payment ON payment.id = movement.payment_id "
            "WHERE movement.provider = ? AND movement.kind = ? AND movement.id = ?",
            [provider, kind, movement],
        ).fetchone()
        if row is not None:
            return str(row[0]), str(row[1])
        movement = movement.rpartition(":")[0]
    return "", ""
