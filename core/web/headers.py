"""What every answer carries, and what a request that changes something must show."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, request

from core.errors import Refused
from core.people.holders import COOKIE_SECONDS, cookie_name, current_signer
from core.web.callers import callers_of

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")

PLAIN = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin-allow-popups",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(self)",
}
HSTS = "max-age=31536000; includeSubDomains"


def content_security_policy(redirects: Iterable[str] = ()) -> str:
    """Return the policy: own files only, nothing inline, no nonce.

    Forms may end at the site and, on checkout pages, at the origins to which enabled providers
    redirect: Chromium blocks a form whose redirect ends elsewhere.
    """
    ends = " ".join(("'self'", *sorted(set(redirects))))
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; "
        "img-src 'self' data:; connect-src 'self'; manifest-src 'self'; "
        f"form-action {ends}; base-uri 'none'; frame-ancestors 'none'"
    )


def install(app: Flask, redirects: Iterable[str]) -> None:
    """Put the headers on every answer of the app, errors and files included."""
    strict = [*PLAIN.items(), ("Content-Security-Policy", content_security_policy(redirects))]

    def add_headers(response: Response) -> Response:
        response.headers.extend(strict)
        if request.is_secure:
            response.headers["Strict-Transport-Security"] = HSTS
        if "new_holder" in g:
            _set_holder(response, g.new_holder)
        return response

    app.after_request(add_headers)
    app.before_request(refuse_foreign_origin)


def _set_holder(response: Response, holder: str) -> None:
    response.set_cookie(
        cookie_name(),
        current_signer().sign(holder).decode(),
        max_age=COOKIE_SECONDS,
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
        path="/",
    )


def refuse_foreign_origin() -> None:
    """Refuse a change that another site's page asked a browser for.

    Guests have no token, so that a public page sets no cookie: browsers say where a request comes
    from, by Sec-Fetch-Site and by Origin. One that says neither is refused.
    """
    if request.method in SAFE_METHODS or request.endpoint is None:
        return
    if callers_of(current_app, request.endpoint) == "provider":
        return
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
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
