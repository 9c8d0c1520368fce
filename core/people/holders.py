"""The reader behind a request, and the signed cookie that makes a guest a holder.

A guest gets a holder by the first POST, never by a GET, so that a public page sets no cookie.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from flask import Response, after_this_request, current_app, g, request
from itsdangerous import BadSignature, Signer
from itsdangerous.signer import SigningAlgorithm

from core.storage import new_id

COOKIE = "__Host-obolo"
LOOPBACK_COOKIE = "obolo"
"""Over plain HTTP a browser drops a cookie whose name starts with __Host-."""
COOKIE_SECONDS = 400 * 24 * 3600
"""The longest that browsers keep a cookie (RFC 6265bis)."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Whoever sends this request. `holder` owns what is bought now; `holders` all that may be read.

    A guest who has not bought anything yet has no holder: it is the empty string.
    """

    holder: str = ""
    holders: tuple[str, ...] = ()
    user: str | None = None
    language: str = "en"
    country: str = ""
    address: str = ""
    device: str = ""
    permissions: frozenset[str] = frozenset()


def cookie_name() -> str:
    """Return the holder's cookie's name for this request's scheme."""
    is_secure = request.environ["wsgi.url_scheme"] == "https"
    return COOKIE if is_secure else LOOPBACK_COOKIE


def cookie(name: str) -> str:
    """Return a cookie of this request, or nothing. Our own are plain text without quotes."""
    for part in request.environ.get("HTTP_COOKIE", "").split(";"):
        key, _, text = part.strip().partition("=")
        if key == name:
            return str(text)
    return ""


class KeyedHash(SigningAlgorithm):
    """BLAKE2b with a key (RFC 7693): a MAC in one call, which every page of a holder needs."""

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        """Return 20 bytes that only who has the key can make."""
        return hashlib.blake2b(value, key=key, digest_size=20).digest()


def holder_signer(keys: Sequence[bytes]) -> Signer:
    """Return what signs holders' cookies: the first key signs, all are accepted."""
    return Signer(keys[::-1], key_derivation="none", algorithm=KeyedHash())


def current_signer() -> Signer:
    """Return what signs the holder's cookie, made once for each app."""
    signer: Signer = current_app.extensions["obolo_signer"]
    return signer


def current_reader() -> Reader:
    """Return the reader of this request."""
    reader: Reader | None = g.get("reader")
    if reader is None:
        signed = cookie(cookie_name())
        holder = _verified(current_signer(), signed) if signed else ""
        reader = Reader(
            holder=holder,
            holders=(holder,) if holder else (),
            language=current_app.extensions["obolo_language"](),
            address=request.environ.get("REMOTE_ADDR") or "",
        )
        g.reader = reader
    return reader


def _verified(signer: Signer, signed: str) -> str:
    try:
        return signer.unsign(signed).decode()
    except (BadSignature, UnicodeError):
        return ""


def give_holder() -> Reader:
    """Return the reader, a guest with a holder from now on; the answer carries the cookie."""
    reader = current_reader()
    if not reader.holder:
        holder = new_id("gst")
        reader = replace(reader, holder=holder, holders=(holder,))
        g.reader = reader
        after_this_request(partial(_set_cookie, holder))
    return reader


def _set_cookie(holder: str, response: Response) -> Response:
    response.set_cookie(
        cookie_name(),
        current_signer().sign(holder).decode(),
        max_age=COOKIE_SECONDS,
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
        path="/",
    )
    return response
