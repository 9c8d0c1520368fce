"""What is kept of orders: their lines, the answers given, their state."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from core.errors import NotFound
from core.money import Money
from core.orders.lines import Grant, Line, Order
from core.storage import (
    execute,
    insert,
    instant,
    micros,
    on_row_lock,
    row_name,
    seal,
    to_json,
    unseal,
)


def store(order: Order) -> None:
    """Write an order with its lines and answers, inside the caller's transaction."""
    assert order.created
    assert order.expires
    insert("orders_order", {
        "id": order.id, "holder": order.holder, "state": order.state, "mode": order.mode,
        "currency": order.currency, "total": order.total.minor, "return_to": order.return_to,
        "language": order.language, "created": micros(order.created),
        "expires": micros(order.expires), "payment": order.payment,
    })  # fmt: skip
    insert("orders_line", [{
        "order_id": order.id, "number": line.number, "label": line.label,
        "minor": line.amount.minor, "account": line.account,
        "grants": _grants_text(line.grants), "part_of": line.part_of, "tax_class": line.tax_class,
        "data": to_json(dict(line.data)) if line.data else "{}",
    } for line in order.lines])  # fmt: skip
    insert("orders_answer", [{
        "order_id": order.id, "key": key, "text": text,
        "answer": seal(answer, subject="shop:fiscal", **_place(order.id, key)),
        "at": micros(order.created),
    } for key, (text, answer) in order.answers.items()])  # fmt: skip


def _grants_text(grants: tuple[Grant, ...]) -> str:
    return to_json(
        [[g.key, None if g.lasts is None else int(g.lasts.total_seconds())] for g in grants]
    )


def _grants(text: str) -> tuple[Grant, ...]:
    return tuple(
        Grant(key, None if seconds is None else timedelta(seconds=seconds))
        for key, seconds in json.loads(text)
    )


COLUMNS = "id, holder, state, mode, currency, return_to, language, created, expires, payment"


def find(id: str, *, lock: bool = False) -> Order:
    """Return a stored order; with `lock` nobody else changes it or its payments until the commit.

    Raises NotFound.
    """
    rows = _read("id = ?", [id], on_row_lock() if lock else "")
    if not rows:
        raise NotFound("There is no such order.")
    return rows[0]


def of_holders(holders: Sequence[str]) -> list[Order]:
    """Return what these holders ordered and did not leave unpaid, newest first."""
    marks = ", ".join("?" * len(holders))
    return (
        _read(
            f"holder IN ({marks}) AND (state = 'paid' OR payment IS NOT NULL) ORDER BY id DESC "
            "LIMIT 500",
            holders,
        )
        if holders
        else []
    )


def is_ordered(key: str) -> bool:
    """Tell whether an order that is paid, or may still be, opens a resource."""
    sql = (
        "SELECT 1 FROM orders_line l JOIN orders_order o ON o.id = l.order_id "
        "WHERE o.state IN ('open', 'paid') AND l.grants LIKE ? ESCAPE '!' LIMIT 1"
    )
    named = to_json(key).replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return execute(sql, [f"%[{named},%"]).fetchone() is not None


def times_sold(keys: Sequence[str]) -> dict[str, int]:
    """Return how many lines of paid orders open each of these resources, refunded or not."""
    rows = execute(
        "SELECT l.grants, COUNT(*) FROM orders_line l JOIN orders_order o ON o.id = l.order_id "
        "WHERE o.state = 'paid' AND l.grants <> '[]' GROUP BY l.grants"
    ).fetchall()
    sold = dict.fromkeys(keys, 0)
    for text, number in rows:
        for grant in _grants(text):
            if grant.key in sold:
                sold[grant.key] += number
    return sold


def open_of(holder: str, at: datetime) -> list[Order]:
    """Return a holder's orders that can still be paid at an instant, newest first."""
    return _read(
        "holder = ? AND state = 'open' AND expires > ? ORDER BY id DESC LIMIT 20",
        [holder, micros(at)],
    )


def expired(at: datetime) -> list[str]:
    """Return the ids of open orders whose time is over."""
    rows = execute(
        "SELECT id FROM orders_order WHERE state = 'open' AND expires <= ? "
        "ORDER BY expires LIMIT 500",
        [micros(at)],
    )
    return [row[0] for row in rows]


def _read(where: str, values: Sequence[Any], tail: str = "") -> list[Order]:
    rows = execute(f"SELECT {COLUMNS} FROM orders_order WHERE {where}{tail}", values).fetchall()
    return [_order(row) for row in rows]


def _order(row: tuple[Any, ...]) -> Order:
    id, holder, state, mode, currency, return_to, language, created, expires, payment = row
    return Order(
        id=id, holder=holder, state=state, mode=mode, currency=currency, return_to=return_to,
        language=language, created=instant(created), expires=instant(expires), payment=payment,
        lines=_lines(id, currency), answers=_given(id),
    )  # fmt: skip


def _given(order: str) -> dict[str, tuple[str, str]]:
    rows = execute("SELECT key, text, answer FROM orders_answer WHERE order_id = ?", [order])
    return {key: (text, unseal(cell, **_place(order, key))) for key, text, cell in rows}


def _place(order: str, key: str) -> dict[str, str]:
    return {"table": "orders_answer", "column": "answer", "row": row_name(order, key)}


def _lines(order: str, currency: str) -> tuple[Line, ...]:
    rows = execute(
        "SELECT number, label, minor, account, grants, part_of, tax_class, data FROM orders_line "
        "WHERE order_id = ? ORDER BY number",
        [order],
    )
    return tuple(
        Line(label, Money(minor, currency), account, _grants(grants), part_of, tax_class,
             json.loads(data), number)
        for number, label, minor, account, grants, part_of, tax_class, data in rows
    )  # fmt: skip


def keep_open(order: Order, until: datetime) -> None:
    """Let an open order wait longer, for a payment that takes days."""
    execute(
        "UPDATE orders_order SET expires = ? WHERE id = ? AND state = 'open' AND expires < ?",
        [micros(until), order.id, micros(until)],
    )


def reopen(order: Order) -> None:
    """Store that an order is not paid after all: it waits for its payment or its end again."""
    execute("UPDATE orders_order SET state = 'open', payment = NULL WHERE id = ?", [order.id])


def mark(order: Order, state: str, *, payment: str | None = None, mode: str | None = None) -> Order:
    """Store an order's new state, and with it what settled it."""
    changed = replace(order, state=state, payment=payment or order.payment, mode=mode or order.mode)
    execute(
        "UPDATE orders_order SET state = ?, payment = ?, mode = ? WHERE id = ?",
        [changed.state, changed.payment, changed.mode, order.id],
    )
    return changed
