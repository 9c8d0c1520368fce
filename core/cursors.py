"""What is kept, a page at a time: each page goes on after the last id of the one before.

Orders, entitlements and users come newest first; entries oldest first, so that a copy of the books
goes on where it ended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core import orders
from core.entitlements import Entitlement
from core.ledger import TEST, Leg
from core.money import Money
from core.orders import Order
from core.people import users
from core.people.users import User
from core.storage import execute, instant

BETWEEN = "."
"""Stands between the parts of a cursor that is more than an id."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the ledger with its legs."""

    id: str
    key: str
    at: datetime
    mode: str
    reason: str
    order: str | None
    legs: tuple[Leg, ...]


def _where(wanted: Mapping[str, Any], further: str = "", *values: Any) -> tuple[str, list[Any]]:
    """Return conditions for what was asked for; an empty value means any."""
    chosen = {condition: value for condition, value in wanted.items() if value}
    parts = [f"{condition} ?" for condition in chosen]
    if further:
        parts.append(further)
    return " AND ".join(parts or ["1 = 1"]), [*chosen.values(), *values]


def page_of_orders(
    mode: str, *, after: str, limit: int, state: str = "", holder: str = ""
) -> list[Order]:
    """Return orders of live or of test money, newest first."""
    where, values = _where({"mode =": mode, "state =": state, "holder =": holder, "id <": after})
    rows = execute(
        f"SELECT id FROM orders_order WHERE {where} ORDER BY id DESC LIMIT ?", [*values, limit]
    ).fetchall()
    return [orders.find(id) for (id,) in rows]


def cursor_of(one: Entitlement) -> str:
    """Return what names an entitlement: its order, line and key."""
    return BETWEEN.join((one.order, str(one.line), one.key))


def page_of_entitlements(
    holders: Sequence[str], *, after: str, limit: int, order: str = ""
) -> list[Entitlement]:
    """Return what these holders were given, or one order gave to anybody, newest order first."""
    if not holders and not order:
        return []
    wanted = {"order_id =": order}
    parts = [f"holder IN ({', '.join('?' * len(holders))})"] if holders else []
    values: list[Any] = list(holders)
    last = after.split(BETWEEN, 2)
    if len(last) == 3 and last[1].isdecimal() and len(last[1]) < 10:
        parts.append("(order_id, line, key) < (?, ?, ?)")
        values += [last[0], int(last[1]), last[2]]
    where, values = _where(wanted, " AND ".join(parts), *values)
    rows = execute(
        "SELECT order_id, line, key, holder, state, starts, until FROM entitlements_entitlement "
        f"WHERE {where} ORDER BY order_id DESC, line DESC, key DESC LIMIT ?",
        [*values, limit],
    ).fetchall()
    return [
        Entitlement(
            order, line, key, holder, state, instant(starts),
            None if until is None else instant(until),
        )
        for order, line, key, holder, state, starts, until in rows
    ]  # fmt: skip


def page_of_entries(
    mode: str, *, after: str, limit: int, account: str = "", order: str = ""
) -> list[Entry]:
    """Return entries of live or of test money, oldest first."""
    path = _path(mode, account) if account else ""
    further = "id IN (SELECT entry_id FROM ledger_leg WHERE account = ?)" if path else ""
    where, values = _where(
        {"mode =": mode, "order_id =": order, "id >": after}, further, *filter(None, [path])
    )
    rows = execute(
        "SELECT id, key, at, mode, reason, order_id FROM ledger_entry "
        f"WHERE {where} ORDER BY id LIMIT ?",
        [*values, limit],
    ).fetchall()
    return [
        Entry(id, key, instant(at), mode, reason, order, _legs(id))
        for id, key, at, mode, reason, order in rows
    ]


def _path(mode: str, account: str) -> str:
    return TEST + account if mode == "test" else account


def _legs(entry: str) -> tuple[Leg, ...]:
    rows = execute(
        "SELECT account, currency, minor FROM ledger_leg WHERE entry_id = ? ORDER BY number",
        [entry],
    )
    return tuple(
        Leg(account.removeprefix(TEST), Money(minor, currency)) for account, currency, minor in rows
    )


def page_of_balances(
    mode: str, *, after: str, limit: int, family: str = "", holder: str = ""
) -> list[Leg]:
    """Return what accounts hold (debits above zero), by name; `family` is how a name starts.

    With `holder` only the accounts that end with that holder.
    """
    account, _, currency = after.rpartition(BETWEEN)
    first, last = _path(mode, family), f":{holder}" if holder else ""
    rows = execute(
        "SELECT account, currency, SUM(minor) FROM ledger_leg "
        "WHERE (account, currency) > (?, ?) AND substr(account, 1, ?) = ? "
        "AND (substr(account, 1, ?) = ?) = ? AND "
        "(? = 0 OR substr(account, length(account) - ? + 1) = ?) "
        "GROUP BY account, currency ORDER BY account, currency LIMIT ?",
        [
            _path(mode, account), currency, len(first), first, len(TEST), TEST, mode == "test",
            len(last), len(last), last, limit,
        ],
    ).fetchall()  # fmt: skip
    return [
        Leg(account.removeprefix(TEST), Money(int(minor), currency))
        for account, currency, minor in rows
    ]


def cursor_of_balance(one: Leg) -> str:
    """Return what names an account in one currency."""
    return BETWEEN.join((one.account, one.amount.currency))


def page_of_users(*, after: str, limit: int) -> list[User]:
    """Return users that were not erased, newest first."""
    where, values = _where({"id <": after}, "state <> 'erased'")
    rows = execute(
        f"SELECT id FROM people_user WHERE {where} ORDER BY id DESC LIMIT ?", [*values, limit]
    ).fetchall()
    return [users.find(id) for (id,) in rows]
