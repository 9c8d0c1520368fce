"""The reader behind a request: somebody who is signed in, a guest, or nobody yet.

A guest gets a holder by the first POST, never by a GET, so that a public page sets no cookie.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from flask import current_app, g, request

from core.people import users
from core.people.holders import guest_holders, keep_guest
from core.people.signed_in import current_session
from core.storage import new_id


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


def current_reader() -> Reader:
    """Return the reader of this request."""
    reader: Reader | None = g.get("reader")
    if reader is None:
        session = current_session()
        holders = guest_holders() if session is None else session.holders
        reader = Reader(
            holder=holders[0] if holders else "",
            holders=holders,
            user=None if session is None else session.user,
            language=current_app.extensions["obolo_language"](),
            address=request.environ.get("REMOTE_ADDR") or "",
            device="" if session is None else session.id,
            permissions=frozenset() if session is None else session.permissions,
        )
        g.reader = reader
    return reader


def give_holder() -> Reader:
    """Return the reader, a guest with a holder from now on; the answer carries the cookie."""
    reader = current_reader()
    if not reader.holder:
        holder = new_id("gst")
        keep_guest((holder,))
        reader = replace(reader, holder=holder, holders=(holder,))
        g.reader = reader
    return reader


def reader_of(user: str) -> Reader:
    """Return a user who sends no request, for work behind the pages. Raises NotFound."""
    found = users.find(user)
    return Reader(user, tuple(users.holders_of(user)), user, found.language)
