"""Which orders can still be given back, and by whom."""

from __future__ import annotations

from datetime import timedelta

from core import Entitlement, Line, Order, Reader, execute, given_to, micros, now, order_of, value

REASON = "taken back by its reader"
MONTH = timedelta(days=30)
USED = """
SELECT COUNT(DISTINCT refund.id) FROM payments_refund refund
JOIN payments_payment payment ON payment.id = refund.payment_id
JOIN orders_order bought ON bought.id = payment.order_id
WHERE bought.holder IN ({marks}) AND refund.reason = ? AND refund.created >= ?
"""


def _minutes() -> timedelta:
    return timedelta(minutes=value("takeback.minutes"))


def _given(reader: Reader) -> list[Entitlement]:
    """Return what a reader was given just now and still has, the newest first."""
    since = now() - _minutes()
    return [one for one in given_to(reader.holders) if one.starts > since and one.state == "active"]


def opened_by(reader: Reader, resource: str) -> str:
    """Return the order by which a reader opened a resource just now; nothing if there is none."""
    return next((one.order for one in _given(reader) if one.key == resource), "")


def unlocking(order: Order) -> list[Line]:
    """Return the lines of an order that opened something for ever and cost something.

    What was paid as a gift for somebody else is taken back where gifts are.
    """
    return [
        line
        for line in order.lines
        if sum(one.amount.minor for one in order.group(line.number)) > 0
        and "gift" not in line.data
        and any(grant.lasts is None for grant in line.grants)
    ]


def seconds_left(order_id: str, reader: Reader) -> float:
    """Return how long an order can still be given back by a reader; nothing left is 0 or less."""
    given = [one for one in _given(reader) if one.order == order_id]
    most = value("takeback.most_a_month")
    if not given or not unlocking(order_of(order_id)) or _used(reader) >= most:
        return 0.0
    return (max(one.starts for one in given) + _minutes() - now()).total_seconds()


def _used(reader: Reader) -> int:
    """Return how often a reader gave something back in the last 30 days."""
    marks = ", ".join("?" * len(reader.holders))
    since = micros(now() - MONTH)
    row = execute(USED.format(marks=marks), [*reader.holders, REASON, since]).fetchone()
    return int(row[0])
