"""Find orders by what is known of them and of their payments, and who made them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core import orders
from core.money import Money
from core.orders import Order
from core.storage import execute, instant, micros


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which orders are looked for; what is empty is anything.

    `number` is the id of an order, of one of its payments, refunds or movements, or a provider's
    reference. The instants bound when the order was made: from `since` on, before `until`.
    """

    number: str = ""
    state: str = ""
    mode: str = ""
    provider: str = ""
    holders: Sequence[str] = ()
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Sale:
    """An order as a list shows it: who took the money, how much of it went back."""

    order: Order
    provider: str
    back: Money
    disputed: bool


NUMBER = """o.id IN (SELECT CAST(? AS TEXT)
UNION SELECT order_id FROM payments_payment WHERE id = ? OR ref = ?
UNION SELECT p.order_id FROM payments_payment p JOIN payments_refund r ON r.payment_id = p.id
WHERE r.id = ?
UNION SELECT p.order_id FROM payments_payment p JOIN payments_movement m ON m.payment_id = p.id
WHERE m.id = ?)"""
PROVIDER = "EXISTS (SELECT 1 FROM payments_payment p WHERE p.order_id = o.id AND p.provider = ?)"
FOUND = """SELECT o.id, COALESCE(paid.provider, ''), COALESCE((SELECT SUM(r.minor)
FROM payments_refund r JOIN payments_payment p ON p.id = r.payment_id
WHERE p.order_id = o.id AND r.state = 'done'), 0), o.id IN (SELECT p.order_id
FROM payments_movement m JOIN payments_payment p ON p.id = m.payment_id WHERE m.kind = 'dispute')
FROM orders_order o LEFT JOIN payments_payment paid ON paid.id = o.payment
WHERE {where} ORDER BY o.id DESC LIMIT ? OFFSET ?"""


def find(wanted: Wanted, *, limit: int, offset: int = 0) -> list[Sale]:
    """Return the orders that are looked for, newest first."""
    conditions = list(_conditions(wanted))
    where = " AND ".join(["1 = 1", *(text for text, _ in conditions)])
    values = [value for _, some in conditions for value in some]
    rows = execute(FOUND.format(where=where), [*values, limit, offset]).fetchall()
    return [_sale(*row) for row in rows]


def _sale(id: str, provider: str, back: int, disputed: bool) -> Sale:  # noqa: FBT001 - a row
    order = orders.find(id)
    return Sale(order, provider, Money(int(back), order.currency), bool(disputed))


def _conditions(wanted: Wanted) -> Iterator[tuple[str, list[Any]]]:
    if wanted.number:
        yield NUMBER, [wanted.number] * 5
    if wanted.state:
        yield "o.state = ?", [wanted.state]
    if wanted.mode:
        yield "o.mode = ?", [wanted.mode]
    if wanted.provider:
        yield PROVIDER, [wanted.provider]
    if wanted.holders:
        yield f"o.holder IN ({', '.join('?' * len(wanted.holders))})", [*wanted.holders]
    if wanted.since:
        yield "o.created >= ?", [micros(wanted.since)]
    if wanted.until:
        yield "o.created < ?", [micros(wanted.until)]


def providers_used() -> list[str]:
    """Return the names of the providers by which anything was ever paid, or tried to be."""
    rows = execute("SELECT DISTINCT provider FROM payments_payment ORDER BY provider").fetchall()
    return [row[0] for row in rows]


@dataclass(frozen=True, slots=True)
class Buyer:
    """Somebody who has bought, a user with all that they claimed or a guest; never by name.

    `spent` is real money, `played` is play money; refunds are not taken off.
    """

    holder: str
    last: datetime
    orders: int
    spent: Money
    played: Money


BUYERS = """SELECT COALESCE(c.user_id, o.holder), MAX(o.created), COUNT(*), MIN(o.currency),
SUM(CASE WHEN o.mode = 'live' THEN o.total ELSE 0 END),
SUM(CASE WHEN o.mode = 'test' THEN o.total ELSE 0 END)
FROM orders_order o LEFT JOIN people_claim c ON c.holder = o.holder
WHERE o.state = 'paid' GROUP BY COALESCE(c.user_id, o.holder)
ORDER BY MAX(o.created) DESC LIMIT ? OFFSET ?"""


def buyers(*, limit: int, offset: int = 0) -> list[Buyer]:
    """Return who has bought, the latest first."""
    return [
        Buyer(holder, instant(last), n, Money(int(live), currency), Money(int(test), currency))
        for holder, last, n, currency, live, test in execute(BUYERS, [limit, offset]).fetchall()
    ]
