"""The inbox: a verified delivery is kept before it is settled, and tried again until it is."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from core.clock import now
from core.payments.steps import Hint
from core.storage import execute, insert, instant, micros, to_json

PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 10, 60, 360, 1440, 1440, 1440))
"""When a delivery is tried again; after the last pause it waits for a person."""


def keep(provider: str, hint: Hint) -> bool:
    """Store a verified hint; False when this event was delivered before."""
    at = micros(now())
    return bool(insert("payments_delivery", {
        "provider": provider, "event_id": hint.event, "received": at, "settled": None,
        "attempts": 0, "next_try": at, "error": None,
        "hint": to_json({"reference": hint.reference, "ref": hint.ref, "movement": hint.movement}),
    }, ignore=True))  # fmt: skip


def due(at: datetime) -> list[tuple[str, Hint]]:
    """Return the deliveries that are to be settled, oldest first."""
    rows = execute(
        "SELECT provider, event_id, hint FROM payments_delivery WHERE next_try <= ? ORDER BY "
        "next_try LIMIT 200",
        [micros(at)],
    ).fetchall()
    return [(provider, Hint(event, **json.loads(hint))) for provider, event, hint in rows]


def done(provider: str, event: str) -> None:
    """Mark a delivery as settled."""
    execute(
        "UPDATE payments_delivery SET settled = ?, next_try = NULL, error = NULL WHERE "
        "provider = ? AND event_id = ?",
        [micros(now()), provider, event],
    )


def failed(provider: str, event: str, error: str) -> None:
    """Keep a delivery that could not be settled for the next try."""
    row = execute(
        "SELECT attempts FROM payments_delivery WHERE provider = ? AND event_id = ?",
        [provider, event],
    ).fetchone()
    attempt = int(row[0])
    next_try = micros(now() + PAUSES[attempt]) if attempt < len(PAUSES) else None
    execute(
        "UPDATE payments_delivery SET attempts = attempts + 1, next_try = ?, error = ? "
        "WHERE provider = ? AND event_id = ?",
        [next_try, error[:500], provider, event],
    )


def replay(provider: str, event: str) -> bool:
    """Have a delivery settled again; False when there is no such delivery."""
    at = micros(now())
    return bool(execute(
        "UPDATE payments_delivery SET next_try = ?, settled = NULL, attempts = 0 "
        "WHERE provider = ? AND event_id = ?",
        [at, provider, event],
    ).rowcount)  # fmt: skip


def settled(limit: int) -> list[tuple[str, str, datetime, datetime]]:
    """Return what was settled last: provider, event, when received, when settled."""
    rows = execute(
        "SELECT provider, event_id, received, settled FROM payments_delivery "
        "WHERE settled IS NOT NULL ORDER BY settled DESC LIMIT ?",
        [limit],
    )
    return [(provider, event, instant(came), instant(done)) for provider, event, came, done in rows]


def unsettled() -> list[tuple[str, str, datetime, int, str]]:
    """Return what waits: provider, event, when received, tries so far, last error."""
    rows = execute(
        "SELECT provider, event_id, received, attempts, COALESCE(error, '') FROM payments_delivery "
        "WHERE settled IS NULL ORDER BY received"
    )
    return [
        (provider, event, instant(received), n, error)
        for provider, event, received, n, error in rows
    ]
