"""Deliveries: stored in the transaction of the fact, sent after it, tried again with longer pauses.

A message is sent at least once and in no certain order; its id is the same at every try.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import force_locale, gettext

from core import http, mail
from core.clock import now
from core.errors import NotFound, OboloError
from core.outgoing.endpoints import (
    EVENTS,
    TEST_EVENT,
    Endpoint,
    find,
    note_failing,
    note_working,
    secrets_of,
    switch,
)
from core.outgoing.signing import signed_headers
from core.people import users
from core.settings import value
from core.storage import (
    after_commit,
    execute,
    in_transaction,
    insert,
    instant,
    micros,
    new_id,
    to_json,
    transaction,
)

log = logging.getLogger("obolo.outgoing")

PAUSES = (
    timedelta(seconds=5), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2),
    timedelta(hours=5), timedelta(hours=10), timedelta(hours=14), timedelta(hours=20),
    timedelta(hours=24),
)  # fmt: skip
"""Ten tries in a little over three days: the schedule that Standard Webhooks recommends."""
CLAIM = timedelta(minutes=2)
SWITCHED_OFF_AFTER = timedelta(days=3)
ANSWER_SECONDS = 10.0
MOST_IN_A_ROW = 50
FIRST_BYTES = 500
GONE = 410


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one endpoint, and what came of the last try."""

    id: str
    endpoint: str
    type: str
    order: str | None
    created: datetime
    attempts: int
    next_try: datetime | None
    delivered: datetime | None
    status: int | None
    answer: str
    error: str


def _no_order(_order: str) -> bytes:
    """Draw nothing: the app sets what draws an order."""
    return b"null"


class _Site:
    """What the app told this process."""

    draw: Callable[[str], bytes] = staticmethod(_no_order)
    wake: Callable[[], object] | None = None


_site = _Site()


def set_drawing(draw: Callable[[str], bytes]) -> None:
    """Take what writes an order as JSON, as the interface for machines does."""
    _site.draw = draw


def set_wake(wake: Callable[[], object] | None) -> None:
    """Call this after a message was stored, so that it does not wait for the next round."""
    _site.wake = wake


SAYS = "state = 'on' AND events LIKE '%' || ? || '%'"
"""A pattern that is bound as a whole would make SQLite prepare the statement anew at each sale."""
WANTED = f"SELECT 1 FROM outgoing_endpoint WHERE {SAYS} LIMIT 1"
KEEP = f"""
INSERT INTO outgoing_delivery (id, endpoint_id, cause, type, order_id, data, created, attempts,
next_try) SELECT ?, id, ?, ?, ?, ?, ?, 0, ? FROM outgoing_endpoint
WHERE {SAYS} ON CONFLICT DO NOTHING
"""


def keep(hook: str, cause: str, *, order: str, data: dict[str, str | int]) -> None:
    """Store, inside the caller's transaction, what the endpoints are to be told; once a cause."""
    assert in_transaction()
    event = EVENTS.get(hook)
    if event is None:
        return
    named = f'"{event}"'
    if execute(WANTED, [named]).fetchone() is None:
        return
    at = micros(now())
    kept = execute(KEEP, [new_id("evt"), cause, event, order, to_json(data), at, at, named])
    if kept.rowcount > 0 and _site.wake is not None:
        after_commit(_site.wake)


COLUMNS = (
    "id, endpoint_id, type, order_id, created, attempts, next_try, delivered, status, answer, error"
)


def _delivery(row: Sequence[Any]) -> Delivery:
    id, endpoint, type_, order, created, attempts, next_try, delivered, status, answer, error = row
    return Delivery(
        id, endpoint, type_, order, instant(created), attempts, _at(next_try), _at(delivered),
        status, answer or "", error or "",
    )  # fmt: skip


def _at(stored: int | None) -> datetime | None:
    return None if stored is None else instant(stored)


def sent_to(endpoint: str, *, after: str = "", limit: int = 50) -> list[Delivery]:
    """Return what was sent to an endpoint, newest first. Raises NotFound."""
    find(endpoint)
    further, values = (" AND id < ?", [after]) if after else ("", [])
    rows = execute(
        f"SELECT {COLUMNS} FROM outgoing_delivery WHERE endpoint_id = ?{further} "
        "ORDER BY id DESC LIMIT ?",
        [endpoint, *values, limit],
    ).fetchall()
    return [_delivery(row) for row in rows]


def _one(endpoint: str, id: str) -> Delivery:
    row = execute(
        f"SELECT {COLUMNS} FROM outgoing_delivery WHERE endpoint_id = ? AND id = ?", [endpoint, id]
    ).fetchone()
    if row is None:
        raise NotFound("There is no such delivery.")
    return _delivery(row)


def send_test(endpoint: str) -> Delivery:
    """Store a message that says nothing, to see whether it arrives. Raises NotFound."""
    id, at = new_id("evt"), micros(now())
    find(endpoint)
    with transaction():
        insert("outgoing_delivery", {
            "id": id, "endpoint_id": endpoint, "cause": f"test:{id}", "type": TEST_EVENT,
            "order_id": None, "data": "{}", "created": at, "attempts": 0, "next_try": at,
        })  # fmt: skip
        _wake()
    return _one(endpoint, id)


def send_again(endpoint: str, id: str) -> Delivery:
    """Let a message be sent again, with the id and the content it had. Raises NotFound."""
    with transaction():
        changed = execute(
            "UPDATE outgoing_delivery SET next_try = ?, attempts = 0, delivered = NULL "
            "WHERE endpoint_id = ? AND id = ?",
            [micros(now()), endpoint, id],
        )
        if changed.rowcount == 0:
            raise NotFound("There is no such delivery.")
        _wake()
    return _one(endpoint, id)


def _wake() -> None:
    if _site.wake is not None:
        after_commit(_site.wake)


def send_due(at: datetime) -> int:
    """Send what is due, oldest first; return how many arrived.

    An endpoint that does not answer is left alone until the next round, so that it holds up nobody.
    """
    assert not in_transaction(), "no transaction waits for somebody else's server"
    rows = execute(
        "SELECT d.id, d.endpoint_id, d.attempts, d.next_try FROM outgoing_delivery d "
        "JOIN outgoing_endpoint e ON e.id = d.endpoint_id "
        "WHERE d.next_try <= ? AND (e.state = 'on' OR d.type = ?) ORDER BY d.next_try LIMIT ?",
        [micros(at), TEST_EVENT, MOST_IN_A_ROW],
    ).fetchall()
    silent: set[str] = set()
    arrived = 0
    for id, endpoint, attempts, next_try in rows:
        if endpoint in silent or not _claim(id, endpoint, next_try):
            continue
        if _send(find(endpoint), id, attempts + 1):
            arrived += 1
        else:
            silent.add(endpoint)
    return arrived


def _claim(id: str, endpoint: str, next_try: int) -> bool:
    claimed = execute(
        "UPDATE outgoing_delivery SET next_try = ?, attempts = attempts + 1 "
        "WHERE id = ? AND endpoint_id = ? AND next_try = ?",
        [micros(now() + CLAIM), id, endpoint, next_try],
    )
    return bool(claimed.rowcount == 1)


def _send(endpoint: Endpoint, id: str, attempt: int) -> bool:
    """Send one message once, and note what came of it."""
    status, answer, error = None, "", ""
    try:
        body, at = _body(endpoint.id, id), now()
        headers = signed_headers(id, at, body, secrets_of(endpoint.id, at))
        got = http.request(
            "POST", endpoint.url, hosts=[endpoint.host], outside=True, body=body,
            headers={**headers, "content-type": "application/json"}, timeout=ANSWER_SECONDS,
        )  # fmt: skip
        status, answer = got.status, _readable(got.body)
    except OboloError as refused:
        error = str(refused)[:FIRST_BYTES]
    is_done = status is not None and 200 <= status < 300
    _note(endpoint.id, id, attempt, (status, answer, error), is_done=is_done)
    if is_done:
        note_working(endpoint.id)
    else:
        log.warning("webhook %s to %s, try %s: %s", id, endpoint.id, attempt, error or status)
        _after_failure(endpoint, gone=status == GONE)
    return is_done


def _readable(body: bytes) -> str:
    text = body[:FIRST_BYTES].decode("utf-8", "replace")
    return "".join(c if c.isprintable() or c == "\n" else "�" for c in text)


def _body(endpoint: str, id: str) -> bytes:
    """Return what a message says: written at its first try, the same at every further one."""
    row = execute(
        "SELECT body, type, order_id, data, created FROM outgoing_delivery "
        "WHERE endpoint_id = ? AND id = ?",
        [endpoint, id],
    ).fetchone()
    body, event, order, data, created = row
    if body is None:
        more = json.loads(data)
        if order is not None:
            more["order"] = json.loads(_site.draw(order))
        stamp = instant(created).isoformat().replace("+00:00", "Z")
        body = to_json({"type": event, "timestamp": stamp, "data": more})
        sql = "UPDATE outgoing_delivery SET body = ? WHERE endpoint_id = ? AND id = ?"
        execute(sql, [body, endpoint, id])
    return str(body).encode()


def _note(
    endpoint: str, id: str, attempt: int, came: tuple[int | None, str, str], *, is_done: bool
) -> None:
    at = now()
    is_over = is_done or attempt > len(PAUSES)
    execute(
        "UPDATE outgoing_delivery SET next_try = ?, delivered = ?, status = ?, answer = ?, "
        "error = ? WHERE endpoint_id = ? AND id = ?",
        [
            None if is_over else micros(at + PAUSES[attempt - 1]),
            micros(at) if is_done else None, *came, endpoint, id,
        ],
    )  # fmt: skip


def _after_failure(endpoint: Endpoint, *, gone: bool) -> None:
    """Switch off what has not answered for days, or says that it is gone; tell the owners."""
    since = note_failing(endpoint.id, now())
    if endpoint.state != "on" or not (gone or now() - since >= SWITCHED_OFF_AFTER):
        return
    with transaction():
        switch(endpoint.id, "failed", actor="system")
        for owner in users.listed(staff_only=True):
            if owner.role == "owner" and owner.active and owner.email:
                _tell(owner, endpoint)


def _tell(owner: users.User, endpoint: Endpoint) -> None:
    with force_locale(owner.language):
        subject = gettext("A webhook of %(site)s was switched off", site=value("site.name"))
        body = gettext(
            "%(host)s has not taken what this site tells it since %(since)s, so it is told "
            "nothing more. What waited is kept.\n\nIn the administration, under Webhooks, you see "
            "its answers and can switch it on again.",
            host=endpoint.host, since=f"{endpoint.failing_since or now():%Y-%m-%d %H:%M} UTC",
        )  # fmt: skip
    mail.send(owner.email, subject, body, owner.language, holder=owner.id)


def forget(created_before: datetime) -> int:
    """Delete the log of what was delivered or given up and is older; return how many."""
    sql = "DELETE FROM outgoing_delivery WHERE next_try IS NULL AND created < ?"
    return int(execute(sql, [micros(created_before)]).rowcount)
