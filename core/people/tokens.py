"""Personal tokens: what a machine shows in a user's place. Shown once; only a hash is stored.

A token can do what its scopes say, and never more than its user may at the moment of the request.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from core import audit
from core.clock import now
from core.errors import BadInput
from core.people import roles
from core.people.users import LONGEST_NAME, User, clean_name
from core.storage import execute, insert, instant, micros, new_id, to_json, transaction, vault

OWN = "own.view"
"""The scope that every user can give: to see what is their own."""
SPEND = "own.spend"
"""The other one: to pay from what is their own, where a plugin lets machines pay."""
EVERYBODYS = frozenset({OWN, SPEND})
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SECRET_LENGTH, CHECK_LENGTH = 43, 6
"""256 random bits, and their CRC-32, in base 62: a scanner knows a real token from a text."""
FORM = re.compile(r"obl_(live|test)_[0-9A-Za-z]{49}")
MODES = ("live", "test")
DAYS = (30, 90, 365)
"""How long a token may last; the longest is the most."""
MOST_TOKENS = 50
USED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Token:
    """One token as its user sees it in a list."""

    id: str
    name: str
    mode: str
    scopes: frozenset[str]
    created: datetime
    expires: datetime
    used: datetime | None

    @property
    def over(self) -> bool:
        """Whether it has expired."""
        return now() >= self.expires


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whom a request's token speaks for, and what it may do now.

    A `test` token sees and moves test money only, a `live` one live money only.
    """

    token: str
    mode: str
    user: str
    claimed: tuple[str, ...]
    language: str
    expires: datetime
    scopes: frozenset[str]

    @property
    def holders(self) -> tuple[str, ...]:
        """All holders of the user, the user's own first."""
        return (self.user, *self.claimed)


def grantable(user: User) -> list[str]:
    """Return the scopes that a user can give to a token now."""
    return [OWN, SPEND, *sorted(roles.permissions_of(user.role))]


def make(
    user: User, name: str, scopes: Iterable[str], *, days: int, mode: str = "live",
    actor: str, address: str = "",
) -> tuple[Token, str]:  # fmt: skip
    """Make a token; return it and its text, which nobody can read again. Raises BadInput."""
    name, wanted = clean_name(name), frozenset(scopes)
    if not name:
        raise BadInput("Give the token a name of at most {most} characters.", most=LONGEST_NAME)
    if not wanted or not wanted <= set(grantable(user)):
        raise BadInput("Choose what the token may do, from what you may do yourself.")
    if mode not in MODES or not 1 <= days <= DAYS[-1]:
        raise BadInput("A token lasts from one day to {most} days.", most=DAYS[-1])
    if len(of_user(user.id)) >= MOST_TOKENS:
        raise BadInput("You have {most} tokens already; take one away first.", most=MOST_TOKENS)
    id, text, at = new_id("tok"), _new_text(mode), now()
    token = Token(id, name, mode, wanted, at, at + timedelta(days=days), None)
    cell = vault.seal(name, subject=f"person:{user.id}", **_place(id))
    with transaction():
        insert("people_token", {
            "id": id, "user_id": user.id, "name": cell, "token": _hashed(text), "mode": mode,
            "scopes": to_json(sorted(wanted)), "created": micros(at),
            "expires": micros(token.expires), "used": None,
        })  # fmt: skip
        audit.record(
            "tokens.create", actor=actor, subject=id, address=address, user=user.id, mode=mode,
            scopes=sorted(wanted), days=days,
        )  # fmt: skip
    return token, text


def _place(id: str) -> dict[str, str]:
    return {"table": "people_token", "column": "name", "row": id}


def _new_text(mode: str) -> str:
    head = f"obl_{mode}_" + _base62(secrets.randbits(256), SECRET_LENGTH)
    return head + _check(head)


def _base62(number: int, length: int) -> str:
    digits = ""
    for _ in range(length):
        number, digit = divmod(number, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits


def _check(head: str) -> str:
    return _base62(zlib.crc32(head.encode()), CHECK_LENGTH)


def is_token(text: str) -> bool:
    """Tell whether a text has the form of a token and its checksum fits. No database is asked."""
    head, check = text[:-CHECK_LENGTH], text[-CHECK_LENGTH:]
    return bool(FORM.fullmatch(text)) and _check(head) == check


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


FIND = """
SELECT t.id, t.mode, t.scopes, t.expires, t.used, u.id, u.role, u.language,
u.totp_since IS NOT NULL OR EXISTS (SELECT 1 FROM people_passkey p WHERE p.user_id = u.id),
c.holder
FROM people_token t JOIN people_user u ON u.id = t.user_id
LEFT JOIN people_claim c ON c.user_id = u.id
WHERE t.token = ? AND u.state = 'active' ORDER BY c.at, c.holder
"""


def by_text(text: str) -> Bearer | None:
    """Return whom a token speaks for; None when it is unknown, over, or its user is shut out.

    Permissions of staff count only while their user has a second factor.
    """
    if not is_token(text):
        return None
    rows = execute(FIND, [_hashed(text)]).fetchall()
    at = now()
    if not rows or at >= instant(rows[0][3]):
        return None
    id, mode, scopes, expires, used, user, role, language, protected, _ = rows[0]
    may = roles.permissions_of(role) if protected else frozenset[str]()
    if used is None or at >= instant(used) + USED_EVERY:
        with transaction():
            execute("UPDATE people_token SET used = ? WHERE id = ?", [micros(at), id])
    return Bearer(
        id, mode, user, tuple(row[9] for row in rows if row[9] is not None), language,
        instant(expires), frozenset(json.loads(scopes)) & (may | EVERYBODYS),
    )  # fmt: skip


def of_user(user: str) -> list[Token]:
    """Return a user's tokens, newest first, those that are over too."""
    rows = execute(
        "SELECT id, name, mode, scopes, created, expires, used FROM people_token "
        "WHERE user_id = ? ORDER BY id DESC",
        [user],
    ).fetchall()
    return [
        Token(
            id, vault.unseal(name, **_place(id)), mode, frozenset(json.loads(scopes)),
            instant(created), instant(expires), None if used is None else instant(used),
        )
        for id, name, mode, scopes, created, expires, used in rows
    ]  # fmt: skip


def revoke(id: str, user: str, *, actor: str, address: str = "") -> bool:
    """Take a user's token away, at once; False when there is none."""
    with transaction():
        sql = "DELETE FROM people_token WHERE id = ? AND user_id = ?"
        if execute(sql, [id, user]).rowcount == 0:
            return False
        audit.record("tokens.revoke", actor=actor, subject=id, address=address, user=user)
    return True


def revoke_everywhere(*, actor: str) -> int:
    """Take every token of the site away; return how many. A restored database has revoked ones."""
    with transaction():
        revoked = int(execute("DELETE FROM people_token").rowcount)
        audit.record("tokens.revoke_everywhere", actor=actor, count=revoked)
    return revoked


def forget(expired_before: datetime) -> int:
    """Delete the rows of tokens that are long over; return how many."""
    sql = "DELETE FROM people_token WHERE expires < ?"
    return int(execute(sql, [micros(expired_before)]).rowcount)
