"""Gifts as rows: written with their order, taken once, closed once.

A gift counts while the entitlement of the order that paid it is active. So a refund or a dispute of
that order takes from the taker what it paid for, and a dispute that is won gives it back, without
anything being written here.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core import Conflict, Line, Order, execute, insert, instant, micros, now, value

GIFT, NUMBER, TAKEN = "gift", "gift_number", "gift_taken"
"""What the data of a line say: which resource it gives away, the gift's id, which one it takes."""
PREFIX = "gift:"
"""A gift's key is this and its id."""
TOKEN_BYTES = 24
GIFTS = """
SELECT g.id, g.order_id, g.line, g.holder, g.resource, g.until, g.link, g.taker, g.taken, g.closed,
e.state FROM gifts_gift g LEFT JOIN entitlements_entitlement e
ON e.order_id = g.order_id AND e.line = g.line AND e.key = 'gift:' || g.id
"""
KEYS = """
SELECT g.id FROM gifts_gift g JOIN entitlements_entitlement e
ON e.order_id = g.order_id AND e.line = g.line AND e.key = 'gift:' || g.id
WHERE g.taker IN ({marks}) AND g.resource = ? AND e.state = 'active'
"""
LINK = """
UPDATE gifts_gift SET link = ? WHERE id = ? AND taker IS NULL AND closed IS NULL AND until > ?
"""
TAKE = """
UPDATE gifts_gift SET taker = ?, taken = ?
WHERE id = ? AND taker IS NULL AND closed IS NULL AND until > ?
"""
CLOSE = "UPDATE gifts_gift SET closed = ? WHERE id = ? AND taker IS NULL AND closed IS NULL"


@dataclass(frozen=True, slots=True)
class Gift:
    """A text that `holder` paid for somebody; `standing` is what became of that payment.

    It is active, suspended while disputed, revoked once given back, and empty before it is paid.
    """

    id: str
    order: str
    line: int
    holder: str
    resource: str
    until: datetime
    has_link: bool
    taker: str
    taken: datetime | None
    closed: datetime | None
    standing: str

    @property
    def is_open(self) -> bool:
        """Whether somebody can still take it."""
        is_left = not self.taker and self.closed is None
        return is_left and self.standing == "active" and now() < self.until


def _gift(row: Sequence[Any]) -> Gift:
    id, order, line, holder, resource, until, link, taker, taken, closed, standing = row
    return Gift(
        id, order, line, holder, resource, instant(until), link is not None, taker or "",
        instant(taken) if taken else None, instant(closed) if closed else None, standing or "",
    )  # fmt: skip


def _marks(many: Sequence[str]) -> str:
    return ", ".join("?" * len(many))


def digest(token: str) -> str:
    """Return the hash under which a link is found."""
    return hashlib.sha256(token.encode()).hexdigest()


def find(id: str) -> Gift | None:
    """Return a gift by its id."""
    row = execute(f"{GIFTS} WHERE g.id = ?", [id]).fetchone()
    return _gift(row) if row else None


def find_by(token: str) -> Gift | None:
    """Return the gift that a link opens, if it still does."""
    row = execute(f"{GIFTS} WHERE g.link = ?", [digest(token)]).fetchone()
    gift = _gift(row) if row else None
    return gift if gift and gift.is_open else None


def given_by(holders: Sequence[str]) -> list[Gift]:
    """Return what these holders gave away, the newest first."""
    if not holders:
        return []
    where = f"WHERE g.holder IN ({_marks(holders)}) AND e.state IS NOT NULL"
    rows = execute(f"{GIFTS} {where} ORDER BY g.id DESC LIMIT 200", holders).fetchall()
    return [_gift(row) for row in rows]


def keys_of(resource: str, holders: Sequence[str]) -> frozenset[str]:
    """Return the keys of the gifts by which these holders may open a resource."""
    if not holders:
        return frozenset()
    rows = execute(KEYS.format(marks=_marks(holders)), [*holders, resource]).fetchall()
    return frozenset(PREFIX + id for (id,) in rows)


def keep(order: Order, line: Line) -> None:
    """Write down a gift that an order pays for. Raises Conflict where its form was sent before."""
    until = now() + timedelta(days=value("gifts.days"))
    row = {
        "id": line.data[NUMBER], "order_id": order.id, "line": line.number, "holder": order.holder,
        "resource": line.data[GIFT], "until": micros(until),
    }  # fmt: skip
    if insert("gifts_gift", row, ignore=True) == 0:
        raise Conflict("This gift is ordered already.")


def new_link(gift: Gift) -> str:
    """Return the secret of a new link; the one before it opens nothing any more.

    Only its hash is kept, so it can be shown this once. Raises Conflict when it is too late.
    """
    token = secrets.token_urlsafe(TOKEN_BYTES)
    done = execute(LINK, [digest(token), gift.id, micros(now())])
    if done.rowcount != 1:
        raise Conflict("This gift can no longer be given.")
    return token


def take(id: str, holder: str) -> None:
    """Let one holder have a gift, in the transaction of the order that opens it.

    Raises Conflict for whoever comes second.
    """
    at = micros(now())
    done = execute(TAKE, [holder, at, id, at])
    if done.rowcount != 1:
        raise Conflict("This gift was opened already, or is no longer given.")


def close(id: str) -> None:
    """Let nobody take a gift from now on. Raises Conflict when somebody did."""
    done = execute(CLOSE, [micros(now()), id])
    if done.rowcount != 1:
        raise Conflict("This gift was opened already, or is no longer given.")


def due(at: datetime, most: int) -> list[Gift]:
    """Return what nobody took in time, and what is closed and still paid, the oldest first."""
    where = "WHERE e.state = 'active' AND g.taker IS NULL AND (g.until <= ? OR g.closed < ?)"
    given = [micros(at), micros(at - timedelta(hours=1)), most]
    rows = execute(f"{GIFTS} {where} ORDER BY g.until LIMIT ?", given).fetchall()
    return [_gift(row) for row in rows]


def forget(order: str) -> None:
    """Delete the gifts of an order that was never paid."""
    execute("DELETE FROM gifts_gift WHERE order_id = ? AND link IS NULL AND taker IS NULL", [order])


def export(holder: str) -> list[dict[str, object]]:
    """Return what is kept of a holder, as rows."""
    rows = execute(f"{GIFTS} WHERE g.holder = ? OR g.taker = ?", [holder, holder]).fetchall()
    return [
        {
            "id": gift.id, "resource": gift.resource, "until": gift.until.isoformat(),
            "given": gift.holder == holder,
            "taken": gift.taken.isoformat() if gift.taken else None,
        }
        for gift in map(_gift, rows)
    ]  # fmt: skip
