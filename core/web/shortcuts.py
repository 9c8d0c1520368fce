"""Flask and Werkzeug without what each request would repeat for nothing, for the hot paths."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from inspect import CO_COROUTINE
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from flask import Flask, Request
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.exceptions import ClientDisconnected
from werkzeug.sansio import utils
from werkzeug.wsgi import get_host

if TYPE_CHECKING:
    from werkzeug.routing import MapAdapter


FORM = "application/x-www-form-urlencoded"
SHORT_BYTES = 16 * 1024
"""A form up to this size is read at once; it is far below what any view takes."""


class Asked(Request):
    """A request whose form, where it is a short and plain one, is read by one call."""

    def _load_form_data(self) -> None:
        """Read a form as browsers send it; whatever else a body is goes Werkzeug's way.

        Raises ClientDisconnected, as Werkzeug does, where less comes than was announced.
        """
        size = self.environ.get("CONTENT_LENGTH", "")
        known = self.__dict__
        if (
            self.environ.get("CONTENT_TYPE") != FORM
            or not (size.isascii() and size.isdecimal() and int(size) <= SHORT_BYTES)
            or "form" in known
            or "stream" in known
        ):
            super()._load_form_data()
            return
        body = self.environ["wsgi.input"].read(int(size))
        if len(body) < int(size):
            raise ClientDisconnected
        known["stream"] = BytesIO()
        known["form"], known["files"] = ImmutableMultiDict(_fields(body)), ImmutableMultiDict(())


def _fields(body: bytes) -> list[tuple[str, str]]:
    """Return the fields of a form; one in another encoding has none, as Werkzeug reads it."""
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, errors="werkzeug.url_quote")
    except ValueError:
        return []


class App(Flask):
    """Flask that reads a request's host once, and tells a plain view at a glance."""

    request_class = Asked

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function as it is, unless it is an `async def`."""
        code = getattr(func, "__code__", None)
        if code is None or code.co_flags & CO_COROUTINE:
            return super().ensure_sync(func)
        return func

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Return what finds the view of a request; raises SecurityError for a strange host.

        Flask asks for the host, and Werkzeug once more to find a subdomain, of which there is none.
        """
        if request is None:
            return super().create_url_adapter(None)
        environ, trusted = request.environ, self.config["TRUSTED_HOSTS"]
        request.trusted_hosts = trusted
        if asked := environ.get("HTTP_HOST"):
            request.host = _host(environ["wsgi.url_scheme"], asked, tuple(trusted or ()))
        else:
            request.host = get_host(environ, trusted)
        return self.url_map.bind(
            request.host,
            script_name=_text(environ.get("SCRIPT_NAME", "")),
            subdomain=self.url_map.default_subdomain,
            url_scheme=environ["wsgi.url_scheme"],
            default_method=environ["REQUEST_METHOD"],
            path_info=_text(environ["PATH_INFO"]),
            query_args=_text(environ.get("QUERY_STRING", "")),
        )


@lru_cache(maxsize=256)
def _host(scheme: str, asked: str, trusted: tuple[str, ...]) -> str:
    """Return a host that was asked for, if it is one of the site's. Raises SecurityError."""
    return utils.get_host(scheme, asked, trusted_hosts=trusted)


def _text(native: str) -> str:
    """Return what a WSGI server read as Latin-1 (PEP 3333) as the UTF-8 that it is."""
    return native if native.isascii() else native.encode("latin1").decode(errors="replace")
