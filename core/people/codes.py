"""What is proved once: six digits or a link sent by mail, a challenge to a passkey, a step passed.

A row can be used once and for a short time. Digits are void after five tries.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from core.clock import now
from core.storage import execute, insert, micros, new_id, to_json, transaction, vault

DIGITS = 6
MOST_TRIES = 5
TOKEN_BYTES = 24
LASTS = timedelta(minutes=15)


@dataclass(slots=True)
class _Site:
    """What the site told this process."""

    key: bytes = b""


_site = _Site()


def set_key(key: bytes) -> None:
    """Take the site's own key: six digits alone would be found from their plain hash."""
    _site.key = key


@dataclass(frozen=True, slots=True)
class Issued:
    """A new row: its id for the form, its digits and its token for who is to prove something."""

    id: str
    digits: str = field(repr=False)
    token: str = field(repr=False)


def issue(purpose: str, data: Mapping[str, Any], *, lasts: timedelta = LASTS) -> Issued:
    """Store what will be proved; `data` is sealed."""
    code_id = new_id("cod")
    digits = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
    token = secrets.token_urlsafe(TOKEN_BYTES)
    at = now()
    cell = vault.seal(
        to_json(dict(data)), table="people_code", column="data", row=code_id, subject="shop:codes"
    )
    insert("people_code", {
        "id": code_id, "purpose": purpose, "code": _hashed(code_id, digits),
        "link": _hashed("link", token), "data": cell, "created": micros(at),
        "expires": micros(at + lasts), "tries": 0, "used": None,
    })  # fmt: skip
    return Issued(code_id, digits, token)


def _hashed(salt: str, secret: str) -> str:
    assert _site.key, "codes.set_key was not called"
    return hashlib.blake2b(f"{salt}|{secret}".encode(), key=_site.key, digest_size=32).hexdigest()


def by_digits(code_id: str, purpose: str, digits: str) -> Mapping[str, Any] | None:
    """Use a row up by its digits; None when they are wrong, late, used, or tried too often.

    The try is counted first, in a transaction of its own, so that no two requests share one.
    """
    with transaction():
        counted = execute(
            "UPDATE people_code SET tries = tries + 1 WHERE id = ? AND purpose = ? "
            "AND used IS NULL AND tries < ? AND expires > ?",
            [code_id, purpose, MOST_TRIES, micros(now())],
        )
        if counted.rowcount != 1:
            return None
    plain = "".join(digits.split())
    sql = "SELECT code FROM people_code WHERE id = ?"
    stored = execute(sql, [code_id]).fetchone()[0]
    if not secrets.compare_digest(stored, _hashed(code_id, plain)):
        return None
    return _use("id = ?", [code_id], purpose)


def by_token(token: str, purpose: str) -> Mapping[str, Any] | None:
    """Use a row up by its token; None when it is wrong, late or used."""
    return _use("link = ?", [_hashed("link", token)], purpose)


def waits(token: str, purpose: str) -> Mapping[str, Any] | None:
    """Return what a token stands for without using it up."""
    return _open("link = ?", [_hashed("link", token)], purpose)


def _open(where: str, values: list[Any], purpose: str) -> Mapping[str, Any] | None:
    row = execute(
        f"SELECT id, data FROM people_code WHERE {where} AND purpose = ? AND used IS NULL "
        "AND tries <= ? AND expires > ?",
        [*values, purpose, MOST_TRIES, micros(now())],
    ).fetchone()
    if row is None:
        return None
    text = vault.unseal(bytes(row[1]), table="people_code", column="data", row=row[0])
    found: Mapping[str, Any] = json.loads(text)
    return found


def _use(where: str, values: list[Any], purpose: str) -> Mapping[str, Any] | None:
    data = _open(where, values, purpose)
    if data is None:
        return None
    with transaction():
        used = execute(
            f"UPDATE people_code SET used = ? WHERE {where} AND purpose = ? AND used IS NULL",
            [micros(now()), *values, purpose],
        )
        return data if used.rowcount == 1 else None


def count_try(token: str, purpose: str) -> bool:
    """Count a try at what a token stands for; False once there were too many."""
    with transaction():
        counted = execute(
            "UPDATE people_code SET tries = tries + 1 WHERE link = ? AND purpose = ? "
            "AND used IS NULL AND tries < ? AND expires > ?",
            [_hashed("link", token), purpose, MOST_TRIES, micros(now())],
        )
    return bool(counted.rowcount == 1)


def forget(expired_before: datetime) -> int:
    """Delete what can no longer be used; return how many."""
    sql = "DELETE FROM people_code WHERE expires < ?"
    return int(execute(sql, [micros(expired_before)]).rowcount)
