"""Who may open what, until when. An entitlement knows its order by its reference."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.clock import now
from core.storage import execute, insert, instant, micros


@dataclass(frozen=True, slots=True)
class Entitlement:
    """A key that a holder has from an order's line; `state` is active, suspended or revoked."""

    order: str
    line: int
    key: str
    holder: str
    state: str
    starts: datetime
    until: datetime | None


def grant(holder: str, order: str, keys: Sequence[tuple[int, str, timedelta | None]]) -> None:
    """Give the holder the keys of an order's lines: (line, key, how long from now on).

    Granting twice changes nothing.
    """
    start = now()
    insert("entitlements_entitlement", [{
        "order_id": order, "line": line, "key": key, "holder": holder, "state": "active",
        "starts": micros(start), "until": None if lasts is None else micros(start + lasts),
    } for line, key, lasts in keys], ignore=True)  # fmt: skip


HOLDS = """
SELECT 1 FROM entitlements_entitlement WHERE holder IN ({holders}) AND key IN ({keys})
AND state = 'active' AND (until IS NULL OR until > ?) LIMIT 1
"""
_sql: dict[tuple[int, int], str] = {}


def holds_any(holders: Sequence[str], keys: Collection[str]) -> bool:
    """Tell whether one of the holders has one of the keys now."""
    if not holders or not keys:
        return False
    size = (len(holders), len(keys))
    if size not in _sql:
        _sql[size] = HOLDS.format(holders=", ".join("?" * size[0]), keys=", ".join("?" * size[1]))
    return execute(_sql[size], [*holders, *keys, micros(now())]).fetchone() is not None


def set_states(order: str, states: dict[int, str]) -> None:
    """Set what an order's lines opened to active, suspended or revoked, by line."""
    for line, state in states.items():
        execute(
            "UPDATE entitlements_entitlement SET state = ? WHERE order_id = ? AND line = ? AND "
            "state <> ?",
            [state, order, line, state],
        )


def renew(order: str) -> None:
    """Make active again what an order opened before its first payment failed after all."""
    execute("UPDATE entitlements_entitlement SET state = 'active' WHERE order_id = ?", [order])


def of_holders(holders: Sequence[str]) -> list[Entitlement]:
    """Return all that these holders were ever given, newest first."""
    if not holders:
        return []
    rows = execute(
        "SELECT order_id, line, key, holder, state, starts, until FROM entitlements_entitlement "
        f"WHERE holder IN ({', '.join('?' * len(holders))}) ORDER BY starts DESC LIMIT 500",
        holders,
    )
    return [
        Entitlement(
            order,
            line,
            key,
            holder,
            state,
            instant(starts),
            None if until is None else instant(until),
        )
        for order, line, key, holder, state, starts, until in rows
    ]
