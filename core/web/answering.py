"""The answer of a view, as the server takes it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from flask import Response

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

WHOLE_BYTES = 1024 * 1024
"""A file up to this size is read before it is sent, so that no slow reader keeps a thread."""


class Answer(Response):
    """A response that is handed over whole, unless it is large or made while it is sent.

    The server asks for the parts of one that is no list one by one, and its thread waits until the
    reader has them: an open post cost twice as much so (`make bench`).
    """

    def get_app_iter(self, environ: WSGIEnvironment) -> Iterable[bytes]:
        """Return the body: a list where nothing has to be done once it is sent."""
        parts = super().get_app_iter(environ)
        if environ["REQUEST_METHOD"] == "HEAD" or self._on_close or not self._is_small():
            return parts
        whole = [*parts]
        self.close()
        return whole

    def _is_small(self) -> bool:
        if not self.direct_passthrough:
            return self.is_sequence
        length: int | None = self.content_length  # its type leaves None out
        return length is not None and length <= WHOLE_BYTES
