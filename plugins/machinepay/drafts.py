"""Drafts: what a machine was offered, at which price, for a quarter of an hour; each sold once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from core import (
    Conflict,
    Money,
    Order,
    execute,
    insert,
    instant,
    micros,
    new_id,
    now,
    transaction,
)
from plugins.machinepay import budgets

LASTS = timedelta(minutes=15)
LEAST_LEFT = timedelta(minutes=5)
"""A draft with less time left is not shown again: a new one is made."""
KEPT = timedelta(days=30)
MARK = "machinepay"
"""Under this name the first line of an order says by which draft a machine bought it."""
NAME = re.compile(r"drf_[0-9a-f]{32}")
COLUMNS = "id, token, holder, resource, offer, minor, currency, created, expires, order_id"


@dataclass(frozen=True, slots=True)
class Draft:
    """One offer of a resource to one token, at a price that stands until it expires."""

    id: str
    token: str
    holder: str
    resource: str
    offer: str
    price: Money
    created: datetime
    expires: datetime
    order: str | None = None

    @property
    def over(self) -> bool:
        """Whether it has expired."""
        return now() >= self.expires


class Used(Conflict):
    """The draft has been sold, has expired, or its price is no longer that of the order."""

    code = "draft_used"

    def __init__(self) -> None:
        super().__init__("This challenge was used, or is over.")


def _draft(row: tuple[str, str, str, str, str, int, str, int, int, str | None]) -> Draft:
    id, token, holder, resource, offer, minor, currency, created, expires, order = row
    made, ends = (instant(at) for at in (created, expires))
    return Draft(id, token, holder, resource, offer, Money(minor, currency), made, ends, order)


def find(id: str, token: str) -> Draft | None:
    """Return a token's own draft; nobody finds another's."""
    if not NAME.fullmatch(id):
        return None
    row = execute(
        f"SELECT {COLUMNS} FROM machinepay_draft WHERE id = ? AND token = ?",  # noqa: S608 - names
        [id, token],
    ).fetchone()
    return _draft(row) if row else None


def drawn(token: str, holder: str, resource: str, offer: str, price: Money) -> Draft:
    """Return the draft of an offer to a token: one that still lasts, else a new one."""
    at = now()
    row = execute(
        f"SELECT {COLUMNS} FROM machinepay_draft WHERE token = ? AND resource = ? AND offer = ? "  # noqa: S608 - names
        "AND minor = ? AND currency = ? AND order_id IS NULL AND expires > ? "
        "ORDER BY id DESC LIMIT 1",
        [token, resource, offer, price.minor, price.currency, micros(at + LEAST_LEFT)],
    ).fetchone()
    if row:
        return _draft(row)
    made = Draft(new_id("drf"), token, holder, resource, offer, price, at, at + LASTS)
    with transaction():
        insert("machinepay_draft", {
            "id": made.id, "token": token, "holder": holder, "resource": resource, "offer": offer,
            "minor": price.minor, "currency": price.currency, "created": micros(at),
            "expires": micros(made.expires), "order_id": None,
        })  # fmt: skip
    return made


def take(order: Order) -> None:
    """Sell the draft that an order names and spend its budget, in the order's transaction.

    One row is changed or none, so that of many requests with one draft a single one is the sale.
    Raises Used, OverBudget.
    """
    id = next((line.data[MARK] for line in order.lines if MARK in line.data), None)
    if id is None:
        return
    total = order.total
    sold = execute(
        "UPDATE machinepay_draft SET order_id = ? WHERE id = ? AND holder = ? AND minor = ? "
        "AND currency = ? AND order_id IS NULL AND expires > ?",
        [order.id, id, order.holder, total.minor, total.currency, micros(now())],
    )
    if not sold.rowcount:
        raise Used
    row = execute("SELECT token FROM machinepay_draft WHERE id = ?", [id]).fetchone()
    budgets.take(row[0], total.minor)


def sold_to(holder: str, limit: int = 20) -> list[Draft]:
    """Return what a user's machines have bought, the newest first."""
    rows = execute(
        f"SELECT {COLUMNS} FROM machinepay_draft WHERE holder = ? AND order_id IS NOT NULL "  # noqa: S608 - names
        "ORDER BY id DESC LIMIT ?",
        [holder, limit],
    ).fetchall()
    return [_draft(row) for row in rows]


def forget() -> None:
    """Delete drafts that came to nothing, and those sold so long ago that nobody repeats them."""
    at = now()
    with transaction():
        execute(
            "DELETE FROM machinepay_draft WHERE expires < ? AND (order_id IS NULL OR expires < ?)",
            [micros(at), micros(at - KEPT)],
        )
    budgets.forget()
