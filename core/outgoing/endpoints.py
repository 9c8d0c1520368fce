"""Endpoints: where this site sends what happened, which events, and by which secrets."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from core import audit
from core.clock import now
from core.errors import BadInput, Conflict, NotFound
from core.http import HttpRefused, check_outside
from core.outgoing.signing import new_secret
from core.storage import (
    execute,
    insert,
    instant,
    micros,
    new_id,
    on_row_lock,
    seal,
    to_json,
    transaction,
    unseal,
)

EVENTS = {
    "on_order_paid": "order.paid",
    "on_order_refunded": "order.refunded",
    "on_order_expired": "order.expired",
    "on_payment_saved": "payment.saved",
    "on_payment_failed": "payment.failed",
    "on_dispute": "payment.disputed",
}
"""What can be told, by the hook that tells plugins the same."""
TEST_EVENT = "webhook.test"
OVERLAP = timedelta(days=1)
"""How long the secret before the present one signs as well."""
MOST_ENDPOINTS = 20


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where this site sends what happened. `failed`: switched off after days without an answer."""

    id: str
    url: str
    events: tuple[str, ...]
    state: str
    created: datetime
    failing_since: datetime | None

    @property
    def host(self) -> str:
        """The host and port that are called."""
        return urlsplit(self.url).netloc


COLUMNS = "id, url, events, state, created, failing_since"


def _endpoint(row: Sequence[Any]) -> Endpoint:
    id, url, events, state, created, since = row
    failing = None if since is None else instant(since)
    return Endpoint(id, url, tuple(json.loads(events)), state, instant(created), failing)


def listed() -> list[Endpoint]:
    """Return all endpoints, oldest first."""
    rows = execute(f"SELECT {COLUMNS} FROM outgoing_endpoint ORDER BY id").fetchall()
    return [_endpoint(row) for row in rows]


def find(id: str) -> Endpoint:
    """Return an endpoint. Raises NotFound."""
    row = execute(f"SELECT {COLUMNS} FROM outgoing_endpoint WHERE id = ?", [id]).fetchone()
    if row is None:
        raise NotFound("There is no such endpoint.")
    return _endpoint(row)


def make(url: str, events: Iterable[str], *, actor: str, address: str = "") -> tuple[Endpoint, str]:
    """Make an endpoint; return it and its secret, which nobody can read again. Raises BadInput."""
    url, wanted = url.strip(), sorted(set(events))
    try:
        check_outside(url)
    except HttpRefused:
        raise BadInput(
            "Write an address that starts with https:// and leads to a public server."
        ) from None
    if not wanted or not set(wanted) <= set(EVENTS.values()):
        raise BadInput("Choose what the endpoint is told.")
    if len(listed()) >= MOST_ENDPOINTS:
        raise Conflict("There are {most} endpoints already.", most=MOST_ENDPOINTS)
    id, secret = new_id("end"), new_secret()
    with transaction():
        insert("outgoing_endpoint", {
            "id": id, "url": url, "events": to_json(wanted), "state": "on",
            "secrets": _sealed(id, [(secret, None)]), "created": micros(now()),
            "failing_since": None,
        })  # fmt: skip
        audit.record("webhooks.create", actor=actor, subject=id, address=address, events=wanted)
    return find(id), secret


def _sealed(id: str, kept: Sequence[tuple[str, int | None]]) -> bytes:
    return seal(to_json(kept), subject="shop:webhooks", **_place(id))


def _place(id: str) -> dict[str, str]:
    return {"table": "outgoing_endpoint", "column": "secrets", "row": id}


def secrets_of(id: str, at: datetime) -> list[str]:
    """Return the secrets that sign now, the newest first. Raises NotFound."""
    return [secret for secret, until in _kept(id) if until is None or until > micros(at)]


def _kept(id: str, lock: str = "") -> list[tuple[str, int | None]]:
    sql = f"SELECT secrets FROM outgoing_endpoint WHERE id = ?{lock}"
    row = execute(sql, [id]).fetchone()
    if row is None:
        raise NotFound("There is no such endpoint.")
    return [(secret, until) for secret, until in json.loads(unseal(row[0], **_place(id)))]


def renew(id: str, *, actor: str, address: str = "") -> tuple[Endpoint, str]:
    """Give an endpoint a new secret, told this once; the one before signs for a day as well."""
    secret, until = new_secret(), micros(now() + OVERLAP)
    with transaction():
        present = _kept(id, on_row_lock())[0][0]
        cell = _sealed(id, [(secret, None), (present, until)])
        execute("UPDATE outgoing_endpoint SET secrets = ? WHERE id = ?", [cell, id])
        audit.record("webhooks.renew", actor=actor, subject=id, address=address)
    return find(id), secret


def switch(id: str, state: str, *, actor: str, address: str = "") -> Endpoint:
    """Switch an endpoint on, off, or to `failed`; what waits for it waits. Raises NotFound."""
    assert state in ("on", "off", "failed")
    with transaction():
        changed = execute(
            "UPDATE outgoing_endpoint SET state = ?, failing_since = "
            "CASE WHEN ? = 'failed' THEN failing_since END WHERE id = ?",
            [state, state, id],
        )
        if changed.rowcount == 0:
            raise NotFound("There is no such endpoint.")
        audit.record("webhooks.switch", actor=actor, subject=id, address=address, state=state)
    return find(id)


def remove(id: str, *, actor: str, address: str = "") -> None:
    """Take an endpoint away, with the log of its deliveries. Raises NotFound."""
    with transaction():
        if execute("DELETE FROM outgoing_endpoint WHERE id = ?", [id]).rowcount == 0:
            raise NotFound("There is no such endpoint.")
        audit.record("webhooks.remove", actor=actor, subject=id, address=address)


def note_failing(id: str, at: datetime) -> datetime:
    """Note that an endpoint does not answer; return since when it does not."""
    execute(
        "UPDATE outgoing_endpoint SET failing_since = COALESCE(failing_since, ?) WHERE id = ?",
        [micros(at), id],
    )
    return find(id).failing_since or at


def note_working(id: str) -> None:
    """Note that an endpoint answers."""
    sql = "UPDATE outgoing_endpoint SET failing_since = NULL WHERE id = ? AND "
    execute(f"{sql}failing_since IS NOT NULL", [id])
