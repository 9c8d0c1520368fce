"""The rows that one sale writes: captured once, written again by hand, and a million times over.

Every id in the captured rows is replaced by one of its own for each sale, wherever it stands, so
that raw rows and filled ones are what Obolo would have written.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

CAPTURED = "bench:captured"
HOLDER = "gst_" + "f" * 32
POSTS = 20
"""How many posts there are; every filled holder has opened each of them."""
ID = re.compile(rf"([a-z]{{3}}_[0-9a-f]{{32}}|{CAPTURED})")
ORDER = (
    "orders_order", "orders_line", "payments_payment", "payments_movement", "ledger_entry",
    "ledger_leg", "entitlements_entitlement",
)  # fmt: skip
"""Tables that others refer to stand first; what a sale writes beyond these follows."""
COUNTERS = "limits_hit"
"""Counts of a door are written by every sale, but not anew."""
COUNTED = ' ON CONFLICT (key, "window") DO UPDATE SET n = limits_hit.n + 1'
BALANCES = "ledger_balance"
"""A holder's balance is one row, which every sale of theirs changes."""
MOVED = (
    " ON CONFLICT (account, currency) DO UPDATE SET minor = ledger_balance.minor + excluded.minor"
)
START_MS = 1_760_000_000_000
STEP_MS = 20_000
FIRST_INSTANT = 10**15
"""A whole number from here on is an instant in microseconds."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What a sale writes into one table."""

    table: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    @property
    def names(self) -> str:
        """The columns, as SQL names them."""
        return ", ".join(f'"{column}"' for column in self.columns)

    def insert(self, mark: str) -> str:
        """Return one INSERT for all rows of one sale; `mark` is the driver's placeholder."""
        row = f"({', '.join([mark] * len(self.columns))})"
        again = {COUNTERS: COUNTED, BALANCES: MOVED}.get(self.table, "")
        return (
            f'INSERT INTO "{self.table}" ({self.names}) VALUES {", ".join([row] * len(self.rows))}'
            f"{again}"
        )


def holder(number: int) -> str:
    """Return the id of a filled holder."""
    return f"gst_{START_MS + number:012x}7{number % 4096:03x}8{number:015x}"


class Sale:
    """The captured rows, in an order in which they can be written."""

    def __init__(self, captured: Mapping[str, Mapping[str, Any]]) -> None:
        assert set(ORDER) <= set(captured), f"a sale wrote only {sorted(captured)}"
        names = [*ORDER, *sorted(set(captured) - set(ORDER))]
        self.tables = [
            Rows(
                name,
                tuple(captured[name]["columns"]),
                tuple(tuple(row) for row in captured[name]["rows"]),
            )
            for name in names
        ]
        texts = [
            value
            for table in self.tables
            for row in table.rows
            for value in row
            if isinstance(value, str)
        ]
        found = {one for text in texts for one in ID.findall(text)}
        self.ids = sorted(found - {HOLDER, CAPTURED})

    def values(self, buyer: str, resource: str) -> list[list[Any]]:
        """Return what to bind for one more sale, table by table."""
        fresh = {one: one[:4] + uuid.uuid4().hex for one in self.ids}
        fresh |= {HOLDER: buyer, CAPTURED: resource}
        return [
            [
                ID.sub(lambda m: fresh[m[0]], value) if isinstance(value, str) else value
                for row in table.rows
                for value in row
            ]
            for table in self.tables
        ]

    def fill(self, count: int, resources: Sequence[str], *, postgres: bool) -> Iterator[str]:
        """Yield the statements that write `count` sales, a holder's spread over all of the time."""
        holders = max(1, count // POSTS)
        numbered = _number_postgres if postgres else _number_sqlite
        at = f"({START_MS} + n * {STEP_MS})"
        expressions = {
            one: f"'{one[:4]}' || {numbered(at, 'n', f'(n * 16 + {k})')}"
            for k, one in enumerate(self.ids)
        }
        buyer = f"(n % {holders})"
        expressions[HOLDER] = f"'gst_' || {numbered(f'({START_MS} + {buyer})', buyer, buyer)}"
        choices = " ".join(f"WHEN {i} THEN '{one}'" for i, one in enumerate(resources))
        expressions[CAPTURED] = f"CASE (n / {holders}) % {len(resources)} {choices} END"
        source = (
            f"generate_series(0::bigint, {count - 1}) AS numbers (n)" if postgres else "numbers"
        )
        counting = (
            "" if postgres else
            "WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers "
            f"WHERE n < {count - 1}) "
        )  # fmt: skip
        each = f"* ({count} / {holders} + CASE WHEN n < {count % holders} THEN 1 ELSE 0 END)"
        for table in self.tables:
            for row in table.rows if table.table != COUNTERS else ():
                cells = [_cell(value, expressions, count) for value in row]
                once = ""
                if table.table == BALANCES:
                    cells[table.columns.index("minor")] += each
                    once = f" WHERE n < {holders}"
                into = f'INSERT INTO "{table.table}" ({table.names})'
                yield f"{counting}{into} SELECT {', '.join(cells)} FROM {source}{once}"


def _cell(value: Any, expressions: Mapping[str, str], count: int) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, int):
        before = f" - ({count} - n) * {STEP_MS * 1000}" if value > FIRST_INSTANT else ""
        return f"{value}{before}"
    parts = [expressions.get(part) or _text(part) for part in ID.split(value) if part]
    return " || ".join(f"({part})" for part in parts) or "''"


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _number_sqlite(milliseconds: str, fraction: str, rest: str) -> str:
    return f"printf('%012x7%03x8%015x', {milliseconds}, {fraction} % 4096, {rest})"


def _number_postgres(milliseconds: str, fraction: str, rest: str) -> str:
    def hexadecimal(number: str, digits: int) -> str:
        return f"lpad(to_hex(({number})::bigint), {digits}, '0')"

    return (
        f"{hexadecimal(milliseconds, 12)} || '7' || {hexadecimal(f'{fraction} % 4096', 3)} || '8' "
        f"|| {hexadecimal(rest, 15)}"
    )
