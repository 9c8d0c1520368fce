"""What every answer carries, and what a request that changes something must show."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import Flask, current_app, request

from core.errors import Refused
from core.web.callers import SAFE_METHODS, callers_of, refuse_strangers, takes_token

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PLAIN = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin-allow-popups",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(self)",
}
EMBEDDING = "Cross-Origin-Resource-Policy"
"""A picture that other sites' pages may show says so itself."""
HSTS = "max-age=31536000; includeSubDomains"


def content_security_policy(redirects: Iterable[str] = ()) -> str:
    """Return the policy: own files only, nothing inline, no nonce.

    Forms may end at the site and, on checkout pages, at the origins to which enabled providers
    redirect: Chromium blocks a form whose redirect ends elsewhere.
    """
    ends = " ".join(("'self'", *sorted(set(redirects))))
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; "
        "img-src 'self' data:; media-src 'self'; connect-src 'self'; manifest-src 'self'; "
        f"form-action {ends}; base-uri 'none'; frame-ancestors 'none'"
    )


class Headers:
    """Adds the headers to every answer of an app, whoever made it."""

    def __init__(self, app: WSGIApplication, policy: str) -> None:
        self._app = app
        self._plain = list(PLAIN.items())
        self._embedded = [(name, value) for name, value in self._plain if name != EMBEDDING]
        self._policy = ("Content-Security-Policy", policy)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as the app does, with the headers; a file's own policy may be stricter."""

        def start(
            status: str, headers: list[tuple[str, str]], *error: Any
        ) -> Callable[[bytes], object]:
            given = {name for name, _ in headers}
            if "Content-Security-Policy" not in given:
                headers.append(self._policy)
            if environ["wsgi.url_scheme"] == "https":
                headers.append(("Strict-Transport-Security", HSTS))
            plain = self._embedded if EMBEDDING in given else self._plain
            return start_response(status, headers + plain, *error)

        return self._app(environ, start)


def install(app: Flask, redirects: Iterable[str]) -> None:
    """Put the headers on every answer of the app, errors and files included."""
    app.wsgi_app = Headers(app.wsgi_app, content_security_policy(redirects))  # type: ignore[method-assign]
    app.before_request(refuse_foreign_origin)
    app.before_request(refuse_strangers)


def refuse_foreign_origin() -> None:
    """Refuse a change that another site's page asked a browser for.

    Guests have no token, so that a public page sets no cookie: browsers say where a request comes
    from, by Sec-Fetch-Site and by Origin. One that says neither is refused. Routes for machines
    know no cookie, so that nothing comes along by itself.
    """
    if request.method in SAFE_METHODS or request.endpoint is None:
        return
    is_signed = callers_of(current_app, request.endpoint) == "provider"
    if is_signed or takes_token(current_app, request.endpoint):
        return
    site = request.environ.get("HTTP_SEC_FETCH_SITE")
    origin = request.environ.get("HTTP_ORIGIN")
    own = origin is not None and _same(origin)
    if (
        site not in (None, "same-origin")
        or (origin is not None and not own)
        or (site is None and not own)
    ):
        raise Refused("This request did not come from this site.")


def _same(origin: str) -> bool:
    parts = urlsplit(origin)
    return (parts.scheme, parts.netloc) == (request.scheme, request.host)
