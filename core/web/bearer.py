"""The token that a machine shows: who it speaks for, and which routes of the API it opens.

Routes for machines know tokens only. A cookie that comes along says nothing there, so no other
site's page can use it. A page that is a document for machines as well takes a token where one is
shown, and then no cookie either; nowhere else does a token say anything.
"""

from __future__ import annotations

from flask import current_app, g, request

from core import limits
from core.errors import Refused
from core.people import Reader, tokens
from core.people.tokens import Bearer

SCHEME = "bearer "


class TokenNeeded(Refused):
    """A route for machines was asked without a token that counts."""

    status = 401


def current_bearer() -> Bearer | None:
    """Return whom this request's token speaks for; None when it came without one."""
    bearer: Bearer | None = g.get("bearer")
    return bearer


def shows_token() -> bool:
    """Tell whether this request shows a token of any kind."""
    return str(request.environ.get("HTTP_AUTHORIZATION", "")).lower().startswith(SCHEME)


def admit_token(who: str) -> None:
    """Let in the token that a route is for, and count it. Raises TokenNeeded, Refused, TooMany.

    `anyone` needs none, `user` one with the scope `own.view`, anything else one with that scope.
    """
    shown = request.environ.get("HTTP_AUTHORIZATION", "")
    address = request.environ.get("REMOTE_ADDR") or ""
    bearer = _shown(shown, address) if shown else None
    limits.allow("api", address=address, holder="" if bearer is None else bearer.token)
    g.bearer, g.reader = bearer, _reader(bearer, address)
    if who == "anyone":
        return
    if bearer is None:
        raise TokenNeeded("This needs a personal token: Authorization: Bearer obl_live_…")
    if (tokens.OWN if who == "user" else who) not in bearer.scopes:
        raise Refused("This token may not do this.")


def _shown(header: str, address: str) -> Bearer:
    text = header[len(SCHEME) :].strip() if header.lower().startswith(SCHEME) else ""
    bearer = tokens.by_text(text)
    if bearer is None:
        limits.allow("api_refused", address=address)
        raise TokenNeeded("This token does not count: it is wrong, over or revoked.")
    return bearer


def _reader(bearer: Bearer | None, address: str) -> Reader:
    language = current_app.extensions["obolo_language"]()
    if bearer is None:
        return Reader(language=language, address=address)
    return Reader(
        holder=bearer.user, holders=bearer.holders, user=bearer.user, language=language,
        address=address, permissions=bearer.scopes - tokens.EVERYBODYS,
    )  # fmt: skip
