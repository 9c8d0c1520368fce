"""What a holder spent on single posts and still has: read from orders, keys and refunds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from core import Order, execute, holders_of, instant, now, order_of, site_mode
from plugins.passes.keys import opens_singly, tags_of
from plugins.passes.rules import Context, Discount, Spent

OWN = "passes"
"""The word by which a line's data says that it is a discount of these rules."""
STANDING = """
SELECT held.order_id, held.line, held.key, held.starts, held.until,
 line.number, line.minor, line.data
FROM entitlements_entitlement held
JOIN orders_order bought ON bought.id = held.order_id
JOIN orders_line line ON line.order_id = held.order_id
 AND (line.number = held.line OR line.part_of = held.line)
WHERE held.holder IN ({marks}) AND held.state = 'active' AND held.starts >= ?
 AND (bought.mode = ? OR bought.payment IS NULL)
"""
BACK = """
SELECT payment.order_id, refund.lines FROM payments_refund refund
JOIN payments_payment payment ON payment.id = refund.payment_id
JOIN orders_order bought ON bought.id = payment.order_id
WHERE bought.holder IN ({marks}) AND refund.state <> 'failed'
"""
UNPAID = "SELECT id FROM orders_order WHERE holder IN ({marks}) AND state = 'open' AND id <> ?"


@dataclass(frozen=True, slots=True)
class _Group:
    """A line that opened something, with the lines that are part of it: minor units and data."""

    at: datetime
    singly: str = ""
    parts: dict[int, tuple[int, Mapping[str, object]]] = field(default_factory=dict)


def spent_by(holder: str, reach: timedelta, *, tagged: bool = False) -> Context:
    """Return what a holder spent singly within a time; with `tagged` also under which tags.

    What was given back or is disputed does not count, nor does test money where real money moves.
    """
    at = now()
    if not holder:
        return Context(at)
    holders = holders_of(holder)
    groups = _groups(holders, at - reach)
    back = _given_back(holders) if groups else {}
    spent = [
        Spent(
            *place, group.singly, max(0, _worth(group) - back.get(place, 0)), group.at,
            tags=tags_of(group.singly) if tagged else frozenset(),
        )
        for place, group in groups.items() if group.singly
    ]  # fmt: skip
    parts = [data for group in groups.values() for _, data in group.parts.values()]
    return _counted(Context(at, tuple(spent)), parts)


def _groups(holders: Sequence[str], since: datetime) -> dict[tuple[str, int], _Group]:
    sql = STANDING.format(marks=", ".join("?" * len(holders)))
    values = [*holders, int(since.timestamp()) * 1_000_000, site_mode()]
    groups: dict[tuple[str, int], _Group] = {}
    for order, line, key, starts, until, number, minor, data in execute(sql, values).fetchall():
        group = groups.get((order, line)) or _Group(instant(starts))
        if until is None and opens_singly(key, None):
            group = replace(group, singly=key)
        group.parts[number] = (minor, json.loads(data))
        groups[order, line] = group
    return groups


def _worth(group: _Group) -> int:
    return sum(minor for minor, _ in group.parts.values())


def _given_back(holders: Sequence[str]) -> dict[tuple[str, int], int]:
    sql = BACK.format(marks=", ".join("?" * len(holders)))
    back: dict[tuple[str, int], int] = {}
    for order, lines in execute(sql, holders).fetchall():
        for number, minor in json.loads(lines).items():
            place = (order, int(number))
            back[place] = back.get(place, 0) + minor
    return back


def _counted(context: Context, parts: Iterable[Mapping[str, object]]) -> Context:
    """Return what is known with what these lines took off other prices already."""
    for data in parts:
        if counts := data.get("counts"):
            given = Discount(0, str(data[OWN]), tuple(map(tuple, counts)))  # type: ignore[call-overload]
            context = context.after(given)
    return context


def with_unpaid(context: Context, order: Order) -> Context:
    """Return what is known if all that its holder ordered and has not paid yet were paid today.

    Another order for the same key is another try of the same sale, and is left out.
    """
    holders = holders_of(order.holder)
    sql = UNPAID.format(marks=", ".join("?" * len(holders)))
    keys = {grant.key for line in order.lines for grant in line.grants}
    for row in execute(sql, [*holders, order.id]).fetchall():
        other = order_of(row[0])
        if not keys & {grant.key for line in other.lines for grant in line.grants}:
            context = _with_order(context, other)
    return context


def _with_order(context: Context, order: Order) -> Context:
    for line in order.lines:
        for grant in line.grants:
            if opens_singly(grant.key, grant.lasts):
                worth = sum(one.amount.minor for one in order.group(line.number))
                own = Spent(order.id, line.number, grant.key, worth, context.at, open=True)
                context = replace(context, spent=(*context.spent, own))
    return _counted(context, [line.data for line in order.lines])
