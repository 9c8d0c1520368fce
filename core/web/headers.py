"""What every answer carries, and what a request that changes something must show."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flask import Flask, current_app, has_request_context, request

from core.errors import Refused
from core.plugins import catalogue
from core.plugins.manifest import Touches
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
POLICY, PERMISSIONS = "Content-Security-Policy", "Permissions-Policy"
EMBEDDING = "Cross-Origin-Resource-Policy"
"""A picture that other sites' pages may show says so itself."""
HSTS = "max-age=31536000; includeSubDomains"


DRAWN = "obolo.drawn"
"""Where a request keeps what the plugins that drew on its page declare for it."""


def content_security_policy(redirects: Iterable[str] = (), drawn: Collection[Touches] = ()) -> str:
    """Return the policy: own files only, nothing inline, no nonce.

    Forms may end at the site and at the origins to which enabled providers redirect: Chromium
    blocks a form whose redirect ends elsewhere. What the plugins that drew on the page declare for
    scripts, frames and connections is let in as well.
    """
    frames = _origins(one.frames for one in drawn)
    return (
        f"default-src 'none'; script-src {_own(one.scripts for one in drawn)}; style-src 'self'; "
        "font-src 'self'; img-src 'self' data:; media-src 'self'; "
        f"connect-src {_own(one.connects for one in drawn)}; manifest-src 'self'; "
        + (f"frame-src {frames}; " if frames else "")
        + f"form-action {_own([redirects])}; base-uri 'none'; frame-ancestors 'none'"
    )


def _own(others: Iterable[Iterable[str]]) -> str:
    return f"'self' {_origins(others)}".strip()


def _origins(several: Iterable[Iterable[str]]) -> str:
    return " ".join(sorted({origin for some in several for origin in some}))


def permissions_policy(drawn: Collection[Touches]) -> str:
    """Return which devices a page may use: none, but for paying in frames that a plugin drew."""
    frames = "".join(f' "{origin}"' for origin in _origins(one.frames for one in drawn).split())
    return PLAIN[PERMISSIONS].replace("payment=(self)", f"payment=(self{frames})")


class Headers:
    """Adds the headers to every answer of an app, whoever made it."""

    def __init__(self, app: WSGIApplication, redirects: Iterable[str]) -> None:
        self._app = app
        self._plain = list(PLAIN.items())
        self._embedded = [(name, value) for name, value in self._plain if name != EMBEDDING]
        self._redirects = tuple(redirects)
        self._policy = (POLICY, content_security_policy(self._redirects))

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as the app does, with the headers; a file's own policy may be stricter."""

        def start(
            status: str, headers: list[tuple[str, str]], *error: Any
        ) -> Callable[[bytes], object]:
            given = {name for name, _ in headers}
            drawn: Mapping[str, Touches] = environ.get(DRAWN, {})
            if POLICY not in given:
                headers.append(self._policy_for(drawn) if drawn else self._policy)
            if environ["wsgi.url_scheme"] == "https":
                headers.append(("Strict-Transport-Security", HSTS))
            plain = self._embedded if EMBEDDING in given else self._plain
            if drawn:
                plain = [*dict(plain, **{PERMISSIONS: permissions_policy(drawn.values())}).items()]
            return start_response(status, headers + plain, *error)

        return self._app(environ, start)

    def _policy_for(self, drawn: Mapping[str, Touches]) -> tuple[str, str]:
        return POLICY, content_security_policy(self._redirects, drawn.values())


def let_in(plugin: str) -> None:
    """Let scripts and frames of a plugin that draws on this page work there, and nowhere else."""
    manifest = catalogue.manifests.get(plugin)
    if manifest is None or not has_request_context():
        return
    touches = manifest.touches
    if touches.scripts or touches.frames or touches.connects:
        request.environ.setdefault(DRAWN, {})[plugin] = touches


def install(app: Flask, redirects: Iterable[str]) -> None:
    """Put the headers on every answer of the app, errors and files included."""
    app.wsgi_app = Headers(app.wsgi_app, redirects)  # type: ignore[method-assign]
    app.before_request(refuse_foreign_origin)
    app.before_request(refuse_strangers)


def refuse_foreign_origin() -> None:
    """Refuse a change that another site's page asked a browser for.

    Guests have no token, so that a public page sets no cookie: browsers say where a request comes
    from, by Sec-Fetch-Site and by Origin. One that says neither is refused. Routes for machines
    know no cookie, so that nothing comes along by itself.
    """
    environ = request.environ
    if environ["REQUEST_METHOD"] in SAFE_METHODS:
        return
    site, origin = environ.get("HTTP_SEC_FETCH_SITE"), environ.get("HTTP_ORIGIN")
    if origin is None and site == "same-origin":
        return
    endpoint = request.endpoint
    if endpoint is None:
        return
    if callers_of(current_app, endpoint) == "provider" or takes_token(current_app, endpoint):
        return
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
