"""One answer for one key: a request that is sent again changes nothing a second time.

The header is that of draft-ietf-httpapi-idempotency-key-header: the same key with the same content
gets the same answer, with other content a conflict.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from core.clock import now
from core.errors import Conflict
from core.storage import execute, insert, micros, new_id, transaction


@dataclass(frozen=True, slots=True)
class Answer:
    """What is kept under a user's key: the id of what it makes, and the answer once there is one.

    A status of None: nobody knows yet what became of it.
    """

    subject: str
    status: int | None
    body: str | None


def claim(user: str, key: str, content: bytes, prefix: str) -> Answer:
    """Return what is kept under a key, new if it was not used. Raises Conflict.

    Ids that it names are made before anything is done, so that whoever repeats makes the same.
    """
    digest = hashlib.sha256(content).hexdigest()
    with transaction():
        insert("api_answer", {
            "user_id": user, "key": key, "digest": digest, "subject": new_id(prefix),
            "status": None, "body": None, "created": micros(now()),
        }, ignore=True)  # fmt: skip
    found = execute(
        "SELECT digest, subject, status, body FROM api_answer WHERE user_id = ? AND key = ?",
        [user, key],
    ).fetchone()
    if found[0] != digest:
        raise Conflict("This Idempotency-Key was used for something else.")
    return Answer(*found[1:])


def keep(user: str, key: str, status: int, body: bytes) -> tuple[int, str]:
    """Keep the answer for whoever sends the same again; return the one that was kept first."""
    with transaction():
        execute(
            "UPDATE api_answer SET status = ?, body = ? "
            "WHERE user_id = ? AND key = ? AND status IS NULL",
            [status, body.decode(), user, key],
        )
        row = execute(
            "SELECT status, body FROM api_answer WHERE user_id = ? AND key = ?", [user, key]
        ).fetchone()
    return row[0], row[1]


def release(user: str, key: str) -> None:
    """Free a key under which nothing was done."""
    with transaction():
        execute("DELETE FROM api_answer WHERE user_id = ? AND key = ?", [user, key])


def forget(created_before: datetime) -> int:
    """Delete what is older than anybody would repeat; return how many."""
    sql = "DELETE FROM api_answer WHERE created < ?"
    return int(execute(sql, [micros(created_before)]).rowcount)
