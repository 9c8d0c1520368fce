"""Who did what, and when: one row for each change that somebody may ask about later."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.clock import now
from core.storage import (
    Seals,
    execute,
    in_transaction,
    insert,
    instant,
    micros,
    new_id,
    to_json,
)

ACTION = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
SECRET_WORDS = frozenset(
    {"password", "passphrase", "passwords", "secret", "token", "code", "codes"}
)
LONGEST_TEXT = 300
LONGEST_DATA = 8_000
MOST_EVENTS = 1_000

EVENTS = Seals(
    "audit_seal",
    "SELECT id, at, actor, action, subject, address, data FROM audit_event "
    "WHERE id > ? AND id <= ? ORDER BY id",
    "aud",
)
"""What is older than some minutes cannot be changed, added or removed unnoticed."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. `actor` is a user's id, or `system`, `cli`, a provider's name."""

    id: str
    at: datetime
    actor: str
    action: str
    subject: str
    address: str
    data: Mapping[str, Any]


def record(action: str, *, actor: str, subject: str = "", address: str = "", **data: Any) -> str:
    """Store one event in the caller's transaction, so that it is true if and only if that is.

    `action` reads `orders.refund`. Texts that strangers may choose are cut at 300 characters.
    Data may hold nothing secret: a name such as `reset_token` raises ValueError.
    """
    assert in_transaction(), "an event belongs to the transaction of the change it tells of"
    assert ACTION.fullmatch(action), action
    _refuse_secrets(data)
    text = to_json(data)
    if len(text) > LONGEST_DATA:
        text = to_json({"cut": text[:LONGEST_TEXT]})
    event_id = new_id("aud")
    row = {
        "id": event_id,
        "at": micros(now()),
        "actor": _plain(actor),
        "action": action,
        "subject": _plain(subject),
        "address": _plain(address),
        "data": text,
    }
    insert("audit_event", row)
    return event_id


def events(*, action: str = "", actor: str = "", subject: str = "", limit: int = 50) -> list[Event]:
    """Return events, newest first; an empty argument means any. At most 1,000."""
    wanted = Wanted(action, actor, subject)
    return search(wanted, limit=min(limit, MOST_EVENTS))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events are looked for: what is empty is anything; from `since` on, before `until`."""

    action: str = ""
    actor: str = ""
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def conditions(self) -> list[tuple[str, object]]:
        """Return a condition for each that is given, with its value."""
        bounds = (None if one is None else micros(one) for one in (self.since, self.until))
        given = zip(
            ("action = ?", "actor = ?", "subject = ?", "at >= ?", "at < ?"),
            (self.action, self.actor, self.subject, *bounds),
            strict=True,
        )
        return [(text, value) for text, value in given if value not in ("", None)]


def search(wanted: Wanted, *, limit: int, offset: int = 0) -> list[Event]:
    """Return the events that are looked for, newest first."""
    conditions = wanted.conditions()
    where = " AND ".join(["1 = 1", *(text for text, _ in conditions)])
    sql = (
        "SELECT id, at, actor, action, subject, address, data FROM audit_event "
        f"WHERE {where} ORDER BY at DESC, id DESC LIMIT ? OFFSET ?"
    )
    rows = execute(sql, [*(value for _, value in conditions), limit, offset]).fetchall()
    return [_event(*row) for row in rows]


def actions() -> list[str]:
    """Return the names of all that ever happened."""
    return [row[0] for row in execute("SELECT DISTINCT action FROM audit_event ORDER BY action")]


def _event(event_id: str, at: int, *texts: str) -> Event:
    actor, action, subject, address, data = texts
    return Event(event_id, instant(at), actor, action, subject, address, json.loads(data))


def _plain(text: str) -> str:
    """Keep what can be shown on one line: no control characters, and not too much."""
    return "".join(c if c.isprintable() else "�" for c in text[:LONGEST_TEXT])


def _refuse_secrets(value: Any) -> None:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            words = set(re.split(r"[^a-z]+", str(name).lower()))
            if words & SECRET_WORDS:
                raise ValueError(f"the audit log keeps no secrets, so it takes no “{name}”")
            _refuse_secrets(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _refuse_secrets(inner)
