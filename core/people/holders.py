"""The signed cookie that makes a guest a holder."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import partial

from flask import Response, after_this_request, current_app, request
from itsdangerous import BadSignature, Signer
from itsdangerous.signer import SigningAlgorithm

COOKIE = "__Host-obolo"
LOOPBACK_COOKIE = "obolo"
"""Over plain HTTP a browser drops a cookie whose name starts with __Host-."""
BETWEEN, MOST_HOLDERS = "+", 5
"""A browser to which a guest's things were brought from another one has several holders."""
COOKIE_SECONDS = 400 * 24 * 3600
"""The longest that browsers keep a cookie (RFC 6265bis)."""


def cookie_name() -> str:
    """Return the holder's cookie's name for this request's scheme."""
    is_secure = request.environ["wsgi.url_scheme"] == "https"
    return COOKIE if is_secure else LOOPBACK_COOKIE


def cookie(name: str) -> str:
    """Return a cookie of this request, or nothing. Our own are plain text without quotes."""
    header: str = request.environ.get("HTTP_COOKIE", "")
    if name in header:
        for part in header.split(";"):
            key, _, text = part.strip().partition("=")
            if key == name:
                return text
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


def guest_holders() -> tuple[str, ...]:
    """Return the holders of this browser's guest, the one that buys first."""
    signed = cookie(cookie_name())
    return _verified(current_signer(), signed) if signed else ()


def _verified(signer: Signer, signed: str) -> tuple[str, ...]:
    try:
        return tuple(signer.unsign(signed).decode().split(BETWEEN))
    except (BadSignature, UnicodeError):
        return ()


def keep_guest(holders: Sequence[str]) -> None:
    """Let the answer carry a guest's holders, at most five; the first one buys."""
    after_this_request(partial(_set_cookie, BETWEEN.join(holders[:MOST_HOLDERS])))


def _set_cookie(holders: str, response: Response) -> Response:
    response.set_cookie(
        cookie_name(),
        current_signer().sign(holders).decode(),
        max_age=COOKIE_SECONDS,
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
        path="/",
    )
    return response
