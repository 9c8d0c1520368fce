"""The answer of a view, as the server takes it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Response

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment
    from werkzeug.datastructures import Headers

ORDINARY, WITHOUT_BODY = frozenset({200, 303, 404}), frozenset({204, 304})
OWN_ADDRESS = re.compile(r"(/(?!/)[A-Za-z0-9_.~/%-]*(\?[A-Za-z0-9_.~/%&=-]+)?)?")
"""An address of this site in letters that stand in one as they are (RFC 3986), or none."""
WHOLE_BYTES = 1024 * 1024
"""A file up to this size is read before it is sent, so that no slow reader keeps a thread."""


class Answer(Response):
    """A response that is handed over whole, unless it is large or made while it is sent.

    The server asks for the parts of one that is no list one by one, and its thread waits until the
    reader has them: an open post cost twice as much so (`make bench`).
    """

    def get_wsgi_headers(self, environ: WSGIEnvironment) -> Headers:
        """Return the headers: of an ordinary answer as they are, with its length.

        Werkzeug copies them, and looks what another status or an address in other letters asks for.
        """
        headers = self.headers
        names = {name.lower(): text for name, text in headers}
        if (
            self.status_code not in ORDINARY
            or not self.is_sequence
            or "content-location" in names
            or not OWN_ADDRESS.fullmatch(names.get("location", ""))
        ):
            return super().get_wsgi_headers(environ)
        if "content-length" not in names:
            headers.add("Content-Length", str(sum(map(len, self.iter_encoded()))))
        return headers

    def get_app_iter(self, environ: WSGIEnvironment) -> Iterable[bytes]:
        """Return the body: a list where nothing has to be done once it is sent."""
        if environ["REQUEST_METHOD"] == "HEAD" or self._on_close or not self._is_small():
            return super().get_app_iter(environ)
        parts = self.response if self.direct_passthrough else self.iter_encoded()
        whole = [] if self.status_code in WITHOUT_BODY else [*parts]
        self.close()
        return whole

    def _is_small(self) -> bool:
        if not self.direct_passthrough:
            return self.is_sequence
        length: int | None = self.content_length  # its type leaves None out
        return length is not None and length <= WHOLE_BYTES
