"""What is kept of providers' own accounts: their lines, and what differs from the books."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from core.money import Money
from core.payments.statement import StatementLine
from core.storage import execute, insert, instant, micros

EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Difference:
    """What a line and the books do not agree on, on one day of UTC.

    `problem` is `unknown` (no entry knows the line), `missing` (an entry has no line), `amount`,
    `fee`, `payout` (its lines come to another sum) or `silent` (the provider told nothing);
    `amount` is how much is not explained.
    """

    provider: str
    day: date
    subject: str
    problem: str
    amount: Money

    @property
    def at(self) -> datetime:
        """The first instant of its day."""
        return bounds(self.day)[0]


KEEP = """
INSERT INTO payments_line (provider, kind, id, at, currency, minor, fee, payout, words)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (provider, kind, id, at, currency, minor)
DO UPDATE SET fee = excluded.fee, payout = COALESCE(excluded.payout, payments_line.payout)
"""


def keep(provider: str, lines: Iterable[StatementLine]) -> None:
    """Keep lines, in the caller's transaction; one that is told again may name its payout now."""
    for one in lines:
        execute(KEEP, [
            provider, one.kind, one.id, micros(one.at), one.currency, one.minor, one.fee,
            one.payout, one.words,
        ])  # fmt: skip


COLUMNS = "kind, id, at, minor, fee, currency, payout, words"


def _read(where: str, values: Sequence[Any]) -> list[StatementLine]:
    rows = execute(f"SELECT {COLUMNS} FROM payments_line WHERE {where}", values).fetchall()
    return [
        StatementLine(kind, id, instant(at), int(minor), int(fee), currency, payout, words)
        for kind, id, at, minor, fee, currency, payout, words in rows
    ]


def between(provider: str, since: datetime, until: datetime) -> list[StatementLine]:
    """Return the lines from `since` on and before `until`, oldest first."""
    where = "provider = ? AND at >= ? AND at < ? ORDER BY at, id, currency"
    return _read(where, [provider, micros(since), micros(until)])


def named(provider: str, kind: str, ids: Sequence[str]) -> list[StatementLine]:
    """Return all lines of a kind that have one of these ids."""
    marks = ", ".join("?" * len(ids))
    return _read(f"provider = ? AND kind = ? AND id IN ({marks})", [provider, kind, *ids])


def paid_out(provider: str, payout: str) -> list[StatementLine]:
    """Return the lines that a payout paid out."""
    return _read("provider = ? AND payout = ? AND kind <> 'payout'", [provider, payout])


def payouts(limit: int) -> list[tuple[str, StatementLine]]:
    """Return the last payouts of all providers, each with its provider."""
    rows = execute(
        f"SELECT provider, {COLUMNS} FROM payments_line WHERE kind = 'payout' "
        "ORDER BY at DESC LIMIT ?",
        [limit],
    ).fetchall()
    return [
        (provider, StatementLine(kind, id, instant(at), int(minor), int(fee), currency, payout,
                                 words))
        for provider, kind, id, at, minor, fee, currency, payout, words in rows
    ]  # fmt: skip


def put_differences(provider: str, day: date, found: Iterable[Difference]) -> None:
    """Keep what differs on a day instead of what differed before, in the caller's transaction."""
    number = (day - EPOCH).days
    execute("DELETE FROM payments_difference WHERE provider = ? AND day = ?", [provider, number])
    for one in found:
        insert("payments_difference", {
            "provider": provider, "day": number, "subject": one.subject, "problem": one.problem,
            "currency": one.amount.currency, "minor": one.amount.minor,
        }, ignore=True)  # fmt: skip


def differences(limit: int) -> list[Difference]:
    """Return what is not explained, the latest day first."""
    rows = execute(
        "SELECT provider, day, subject, problem, minor, currency FROM payments_difference "
        "ORDER BY day DESC, provider, subject LIMIT ?",
        [limit],
    ).fetchall()
    return [
        Difference(provider, EPOCH + timedelta(days=day), subject, problem,
                   Money(int(minor), currency))
        for provider, day, subject, problem, minor, currency in rows
    ]  # fmt: skip


def bounds(day: date) -> tuple[datetime, datetime]:
    """Return the first instant of a day of UTC, and that of the day after."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return start, start + timedelta(days=1)
