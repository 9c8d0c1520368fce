"""Rows as CSV, for spreadsheets: what a stranger typed is never run there."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

Row = Mapping[str, Any]
CELL_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for a formula (OWASP, CSV Injection)."""


def as_csv(rows: Sequence[Row]) -> str:
    """Write rows under the names of all their columns, in the order in which these appear."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    written = io.StringIO()
    lines = csv.DictWriter(written, columns)
    lines.writeheader()
    lines.writerows({column: _harmless(row.get(column, "")) for column in columns} for row in rows)
    return written.getvalue()


def _harmless(value: Any) -> str:
    """Write a cell so that no spreadsheet runs it."""
    text = str(value)
    is_number = isinstance(value, int | float | Decimal)
    return f"'{text}" if text.startswith(CELL_STARTS) and not is_number else text
