"""A few texts a month are free: an order of nothing, by one tap, for a time.

What a reader took is counted from their orders, so that there is no second record of what somebody
reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from core import (
    Gate,
    Line,
    Money,
    Offer,
    Order,
    Reader,
    Refusal,
    Refused,
    allow_door,
    execute,
    gettext,
    micros,
    now,
    value,
)
from plugins.prices.chosen import sold

KEY = "prices-free"
ACCOUNT = "income:free"
"""What marks the lines of free texts. They are lines of nothing, so no money ever stands there."""
MONTH = timedelta(days=30)
USED = """
SELECT COUNT(*) FROM orders_line line JOIN orders_order bought ON bought.id = line.order_id
WHERE bought.holder IN ({marks}) AND line.account = ? AND bought.created > ?
"""


def used(holders: Sequence[str]) -> int:
    """Return how many texts these holders opened free in the last 30 days."""
    if not holders:
        return 0
    since = micros(now() - MONTH)
    marks = ", ".join("?" * len(holders))
    row = execute(USED.format(marks=marks), [*holders, ACCOUNT, since]).fetchone()
    return int(row[0])


def widened(gate: Gate | None, resource: str, reader: Reader) -> Gate | None:
    """Return the gate with a free offer behind its first one, where one is left."""
    if gate is None or not value("prices.free_a_month"):
        return None

    def offers() -> tuple[Offer, ...] | None:
        found = gate.offers()
        line = sold(found or (), resource)
        left = value("prices.free_a_month") - used(reader.holders)
        if found is None or line is None or left <= 0:
            return found
        return (found[0], _offer(line, left), *found[1:])

    return replace(gate, offers=offers)


def _offer(line: Line, left: int) -> Offer:
    days = value("prices.free_days")
    title = gettext(
        "Read this one free (%(left)s of %(most)s left)",
        left=left, most=value("prices.free_a_month"),
    )  # fmt: skip
    grant = replace(line.grants[0], lasts=timedelta(days=days) if days else None)
    free = Line(line.label, Money(0, line.amount.currency), ACCOUNT, (grant,))
    return Offer(KEY, title, (free,))


def _is_free(order: Order) -> bool:
    return any(line.account == ACCOUNT for line in order.lines)


def refusal_of(order: Order, reader: Reader) -> Refusal | None:
    """Say why nothing more is free. Raises TooMany where too many of one network take some."""
    if not _is_free(order):
        return None
    if used(reader.holders) >= value("prices.free_a_month"):
        return Refusal(gettext("You have opened all that is free for now."))
    allow_door("free")
    return None


def keep_to_most(order: Order) -> None:
    """Refuse an order of which there is one too many, itself included. Raises Refused."""
    if _is_free(order) and used((order.holder,)) > value("prices.free_a_month"):
        raise Refused("You have opened all that is free for now.")
