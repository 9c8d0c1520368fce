"""Passwords: which are good enough, and their hashes."""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Iterable
from contextlib import contextmanager
from typing import TYPE_CHECKING

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from core.errors import BadInput, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""argon2id with 19 MiB, two passes, one lane (OWASP Password Storage Cheat Sheet)."""
LEAST, LEAST_WITH_SECOND, LONGEST = 15, 8, 256
"""Characters (NIST SP 800-63B-4, 3.1.1.2: 15 alone, 8 beside a second factor)."""
PARALLEL = 4
WAIT_SECONDS = 5.0
GUESSES = 10**8
"""A password that is found among the first so many guesses counts as a common one."""
LOOKED_AT = 72
"""Characters of which the guesses are counted; the estimate takes ever longer with more."""

_places = threading.BoundedSemaphore(PARALLEL)


@contextmanager
def _place() -> Iterator[None]:
    """Let only so many hashes be computed at a time: each takes 19 MiB."""
    if not _places.acquire(timeout=WAIT_SECONDS):
        raise Unavailable("Too many people are signing in right now.")
    try:
        yield
    finally:
        _places.release()


def _plain(password: str) -> str:
    """Write a password the one way in which it is hashed, whatever keyboard it came from."""
    return unicodedata.normalize("NFKC", password)


def hashed(password: str) -> str:
    """Return what is stored of a password. Raises Unavailable."""
    with _place():
        return HASHER.hash(_plain(password))


_NOBODY: list[str] = []


def verify(stored: str | None, password: str) -> bool:
    """Tell whether a password is the stored one; nobody's takes as long. Raises Unavailable."""
    if len(password) > LONGEST:
        password = password[:LONGEST] + "…"  # too long to be anybody's, and hashed all the same
    if not _NOBODY:
        _NOBODY.append(hashed("nobody has this password"))
    with _place():
        try:
            HASHER.verify(stored or _NOBODY[0], _plain(password))
        except (VerifyMismatchError, VerificationError, InvalidHashError):
            return False
    return bool(stored)


def is_outdated(stored: str) -> bool:
    """Tell whether a hash was made with other parameters than today's."""
    return HASHER.check_needs_rehash(stored)


def check(password: str, *, protected: bool, context: Iterable[str] = ()) -> None:
    """Refuse a password that is too short or too easily guessed. Raises BadInput.

    `protected`: a second factor stands beside it. `context`: words that must not carry it, such
    as the site's name and the e-mail address. There are no rules about kinds of characters.
    """
    least = LEAST_WITH_SECOND if protected else LEAST
    if len(password) < least:
        raise BadInput(
            "Please take at least {least} characters; several words are fine.", least=least
        )
    if len(password) > LONGEST:
        raise BadInput("Please take at most {most} characters.", most=LONGEST)
    if _is_common(_plain(password), [word for word in context if word]):
        raise BadInput("This password is among the first that anybody would guess.")


def _is_common(password: str, context: list[str]) -> bool:
    from zxcvbn import zxcvbn  # noqa: PLC0415 - its word lists take 45 ms to load

    words = [part for word in context for part in (word, *word.replace("@", ".").split("."))]
    found = zxcvbn(password[:LOOKED_AT], user_inputs=words, max_length=LOOKED_AT)
    return float(found["guesses"]) < GUESSES
