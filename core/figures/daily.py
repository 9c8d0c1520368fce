"""The sums of each day: made once for a day that is over, and as asked for the days since."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.figures.spans import DAY_MICROS, Span, starts
from core.ledger import TEST
from core.storage import execute, is_postgres, lock_name, transaction
from core.views import day_of

LATEST_COMMIT = timedelta(minutes=10)
"""No transaction lasts so long, so a day that ended before it gets no further entries."""
ROWS, MONTH = 200, 31

BACK = (
    "refund", "refund kept for the reader", "dispute",
    "charge taken back", "refund taken back", "dispute taken back",
)  # fmt: skip
"""The reasons of entries by which money goes back to readers, or comes again from there."""
WAITS = (1, 2, 3, 5, 8, 12, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1800, 3600, 86_400)
"""Seconds from the order to the open gate, as the histogram has them: each is `at most`."""


@dataclass(frozen=True, slots=True)
class Sum:
    """What entries of one day, provider and reason moved on an account: debits above zero."""

    day: int
    provider: str
    reason: str
    account: str
    minor: int


@dataclass(frozen=True, slots=True)
class Kept:
    """A table of daily sums: its keys after the day, and what is added up."""

    table: str
    keys: tuple[str, ...]
    sums: tuple[str, ...]


MONEY = Kept("figures_money", ("mode", "provider", "reason", "account", "currency"), ("minor",))
SALES = Kept("figures_sale", ("mode", "resource", "currency"), ("sold", "minor", "returned"))
WAITED = Kept("figures_wait", ("mode", "seconds"), ("n",))
Rows = dict[tuple[Any, ...], tuple[int, ...]]


def fill(at: datetime) -> int:
    """Sum the days that are over and were not summed yet; return how many.

    Only what was summed is written in a transaction, at most a month in each, so that nobody waits.
    """
    last, filled = day_of(at - LATEST_COMMIT) - 1, 0
    while (before := _summed()) < last:
        first = before + 1
        if before < 0:
            oldest = execute("SELECT MIN(at) FROM ledger_entry").fetchone()[0]
            first = last + 1 if oldest is None else oldest // DAY_MICROS
        if first > last:
            break
        span = Span(first, min(last, first + MONTH - 1))
        made = list(_made(span))
        with transaction():
            lock_name("figures")
            if _summed() != before:
                break  # another worker did it
            for kept, rows in made:
                _store(kept, rows)
            execute("INSERT INTO figures_day (day) VALUES (?)", [span.last])
        filled += len(span.days)
    return filled


def wrong_days() -> list[int]:
    """Return the days whose sums are not what their entries come to, a month at a time."""
    last, wrong = _summed(), set()
    columns = ", ".join(("day", *MONEY.keys, *MONEY.sums))
    oldest = execute("SELECT MIN(at) FROM ledger_entry").fetchone()[0]
    summed = execute("SELECT MIN(day) FROM figures_money").fetchone()[0]
    known = [day for day in (oldest and oldest // DAY_MICROS, summed) if day is not None]
    for first in range(min(known, default=last + 1), last + 1, MONTH):
        span = Span(first, min(last, first + MONTH - 1))
        sql = f"SELECT {columns} FROM figures_money WHERE day BETWEEN ? AND ?"
        kept = {tuple(row) for row in execute(sql, [span.first, span.last]).fetchall()}
        made = {(*key, *sums) for key, sums in _money(span).items() if any(sums)}
        wrong |= {row[0] for row in kept ^ made}
    return sorted(wrong)


def forget() -> None:
    """Drop all sums, inside the caller's transaction; they are made again from the books."""
    for table in ("figures_day", *(kept.table for kept in (MONEY, SALES, WAITED))):
        execute(f"DELETE FROM {table}")


def _summed() -> int:
    """Return the last day that was summed, -1 for none."""
    return int(execute("SELECT COALESCE(MAX(day), -1) FROM figures_day").fetchone()[0])


def money(span: Span | None, mode: str, currency: str, like: str = "") -> list[Sum]:
    """Return the sums of a span's days, or of all days, for accounts that begin so."""
    last = _summed()
    span = span or Span(0, 10**6)
    rows = execute(
        "SELECT day, provider, reason, account, SUM(minor) FROM figures_money WHERE mode = ? "
        "AND currency = ? AND day BETWEEN ? AND ? AND account LIKE ? "
        "GROUP BY day, provider, reason, account ORDER BY day",
        [mode, currency, span.first, min(span.last, last), f"{like}%"],
    ).fetchall()
    found = [
        Sum(day, provider, reason, account, int(minor))
        for day, provider, reason, account, minor in rows
    ]
    live = _money(Span(max(span.first, last + 1), span.last))
    return found + [
        Sum(day, provider, reason, account, minor)
        for (day, in_mode, provider, reason, account, of), (minor,) in live.items()
        if (in_mode, of) == (mode, currency) and account.startswith(like)
    ]


def read(kept: Kept, span: Span, mode: str) -> Rows:
    """Return what a table of daily sums holds of a span, and of the days since, by its keys."""
    last, keys = _summed(), kept.keys[1:]
    sums = ", ".join(f"SUM({one})" for one in kept.sums)
    rows = execute(
        f"SELECT {', '.join(keys)}, {sums} FROM {kept.table} "
        f"WHERE mode = ? AND day BETWEEN ? AND ? GROUP BY {', '.join(keys)}",
        [mode, span.first, min(span.last, last)],
    ).fetchall()
    found = {tuple(row[: len(keys)]): [int(one) for one in row[len(keys) :]] for row in rows}
    since = Span(max(span.first, last + 1), span.last)
    live = {SALES.table: _sales, WAITED.table: _waits}[kept.table](since)
    for (_, in_mode, *key), numbers in live.items():
        if in_mode == mode:
            before = found.setdefault(tuple(key), [0] * len(numbers))
            found[tuple(key)] = [one + more for one, more in zip(before, numbers, strict=True)]
    return {key: tuple(numbers) for key, numbers in found.items()}


def _made(span: Span) -> Iterable[tuple[Kept, Rows]]:
    yield MONEY, _money(span)
    yield SALES, _sales(span)
    yield WAITED, _waits(span)


def _store(kept: Kept, rows: Rows) -> None:
    columns = ("day", *kept.keys, *kept.sums)
    listed = [(*key, *sums) for key, sums in sorted(rows.items()) if any(sums)]
    for start in range(0, len(listed), ROWS):
        some = listed[start : start + ROWS]
        marks = ", ".join([f"({', '.join('?' * len(columns))})"] * len(some))
        execute(
            f"INSERT INTO {kept.table} ({', '.join(columns)}) VALUES {marks}",
            [value for row in some for value in row],
        )


def _bounds(span: Span) -> list[int]:
    return [starts(span.first), starts(span.last + 1)]


def _money(span: Span) -> Rows:
    """Sum legs by day, mode, provider, reason, account and currency; a holder's by their family."""
    if not span.days:
        return {}
    provider = (
        "split_part(e.key, ':', 1)"
        if is_postgres()
        else ("substr(e.key, 1, instr(e.key, ':') - 1)")
    )
    families = [row[0] for row in execute("SELECT prefix FROM ledger_bound").fetchall()]
    sums: Counter[tuple[Any, ...]] = Counter()
    for day, mode, source, reason, account, currency, minor in execute(
        f"SELECT e.at / {DAY_MICROS}, e.mode, {provider}, e.reason, l.account, l.currency, "
        "SUM(l.minor) FROM ledger_entry e JOIN ledger_leg l ON l.entry_id = e.id "
        "WHERE e.at >= ? AND e.at < ? GROUP BY 1, 2, 3, 4, 5, 6",
        _bounds(span),
    ).fetchall():
        plain = account.removeprefix(TEST)
        family = next((one for one in families if plain.startswith(one)), plain)
        sums[day, mode, source, reason, family, currency] += int(minor)
    return {key: (minor,) for key, minor in sums.items()}


SOLD = f"""
SELECT e.at / {DAY_MICROS}, e.mode, line.grants, orders.currency, COUNT(DISTINCT e.order_id), SUM((
  SELECT COALESCE(SUM(part.minor), 0) FROM orders_line part WHERE part.order_id = line.order_id
  AND (part.number = line.number OR part.part_of = line.number) AND part.account LIKE 'income:%'
)) FROM ledger_entry e
JOIN orders_order orders ON orders.id = e.order_id
JOIN orders_line line ON line.order_id = e.order_id AND line.grants <> '[]'
WHERE e.at >= ? AND e.at < ? AND e.reason IN ({{reasons}}) AND EXISTS (
  SELECT 1 FROM ledger_leg leg WHERE leg.entry_id = e.id
  AND leg.account IN (line.account, '{TEST}' || line.account))
GROUP BY 1, 2, 3, 4
"""


def _sales(span: Span) -> Rows:
    """Count, by resource, what was sold, its income, and how many orders gave money back."""
    if not span.days:
        return {}
    rows: dict[tuple[Any, ...], list[int]] = {}
    for reasons, is_back in ((("charge",), False), (BACK[:3], True)):
        sql = SOLD.format(reasons=", ".join("?" * len(reasons)))
        bounds = _bounds(span)
        for day, mode, grants, currency, n, minor in execute(sql, [*bounds, *reasons]).fetchall():
            for resource in {key for key, _ in json.loads(grants)}:
                row = rows.setdefault((day, mode, resource, currency), [0, 0, 0])
                row[2 if is_back else 0] += n
                row[1] += 0 if is_back else int(minor)
    return {key: tuple(row) for key, row in rows.items()}


def _waits(span: Span) -> Rows:
    """Count how long it took from the order to the charge that opened something."""
    if not span.days:
        return {}
    cases = " ".join(f"WHEN e.at - o.created <= {most * 1_000_000} THEN {most}" for most in WAITS)
    rows = execute(
        f"SELECT e.at / {DAY_MICROS}, e.mode, CASE {cases} ELSE {WAITS[-1]} END, COUNT(*) "
        "FROM ledger_entry e JOIN orders_order o ON o.id = e.order_id WHERE e.at >= ? AND e.at < ? "
        "AND e.reason = 'charge' AND EXISTS (SELECT 1 FROM entitlements_entitlement held "
        "WHERE held.order_id = e.order_id) GROUP BY 1, 2, 3",
        _bounds(span),
    ).fetchall()
    return {(day, mode, seconds): (int(n),) for day, mode, seconds, n in rows}
