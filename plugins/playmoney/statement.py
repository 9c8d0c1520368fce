"""The bank's account of a site: what it took, gave back and paid out, line by line."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from plugins.playmoney.log import Log, Row


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line: `minor` as it changed the balance, `at` in microseconds UTC."""

    kind: str
    id: str
    at: int
    minor: int
    currency: str
    fee: int = 0
    payout: str | None = None


def statement(log: Log, payee: str) -> list[Line]:
    """Return all lines of a site, oldest first; each is paid out by the next payout."""
    marks = ", ".join("?" * len(LINES))
    rows = log.read(f"payee = ? AND kind IN ({marks})", [payee, *LINES])
    lines: list[Line] = []
    next_payout: dict[str, str] = {}
    for row in reversed(rows):
        if row.kind == "paid_out":
            next_payout[row.currency] = row.id
        payout = None if row.kind == "paid_out" else next_payout.get(row.currency)
        lines.append(msgspec.structs.replace(LINES[row.kind](row), payout=payout))
    return lines[::-1]


def _line(row: Row, kind: str, minor: int, id: str = "") -> Line:
    fee = row.about.get("fee", 0) if row.kind in ("charged", "disputed") else 0
    return Line(kind=kind, id=id or row.id, at=row.at, minor=minor, currency=row.currency, fee=fee)


LINES: Mapping[str, Callable[[Row], Line]] = {
    "charged": lambda row: _line(row, "charge", row.minor),
    "refunded": lambda row: _line(row, "refund", -row.minor),
    "disputed": lambda row: _line(row, "dispute", -row.minor),
    "won": lambda row: _line(row, "dispute", row.minor, row.key),
    "paid_out": lambda row: _line(row, "payout", -row.minor),
}
"""What happened, as the line that it makes."""
