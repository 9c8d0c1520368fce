"""The session behind a request, found by flask-login; and the cookie that carries its token."""

from __future__ import annotations

import hashlib
import hmac
from functools import partial

from flask import Flask, Request, Response, after_this_request, current_app, g, request
from flask_login import LoginManager, UserMixin, current_user

from core.people import sessions
from core.people.holders import COOKIE_SECONDS, cookie, cookie_name
from core.people.sessions import Session

COOKIE = "__Host-obolo-session"
LOOPBACK_COOKIE = "obolo-session"
"""Over plain HTTP a browser drops a cookie whose name starts with __Host-."""


class SignedIn(UserMixin):  # type: ignore[misc]
    """What flask-login knows of whoever is signed in."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def get_id(self) -> str:
        """Return the session's id: what is signed in is a browser."""
        return self.session.id


def install(app: Flask, csrf_key: bytes) -> None:
    """Have flask-login find the session of each request that carries a token.

    Its remember-me cookie and Flask's own session are not used: no request handler is added.
    """
    manager = LoginManager()
    manager.request_loader(_load)
    manager.session_protection = None
    app.login_manager = manager  # type: ignore[attr-defined]
    app.extensions["obolo_csrf"] = csrf_key


def session_cookie() -> str:
    """Return the name of the session's cookie for this request's scheme."""
    is_secure = request.environ["wsgi.url_scheme"] == "https"
    return COOKIE if is_secure else LOOPBACK_COOKIE


def _load(_request: Request) -> SignedIn | None:
    token = cookie(session_cookie())
    session = sessions.by_token(token) if token else None
    return None if session is None else SignedIn(session)


def current_session() -> Session | None:
    """Return the session of this request; a request without the cookie asks nobody."""
    if not _token():
        return None
    return current_user.session if current_user.is_authenticated else None


def _token() -> str:
    """Return the token that the browser sent, or the one that this answer brings."""
    return cookie(session_cookie()) if "session_token" not in g else str(g.session_token)


def give_session(token: str) -> None:
    """Let the answer carry a session's token; this request already counts as signed in.

    The guest's cookie goes: what it held is the user's now.
    """
    found = sessions.by_token(token)
    assert found is not None
    _become(SignedIn(found))
    g.session_token = token
    after_this_request(partial(_set_cookie, token))


def take_session() -> None:
    """Let the answer take the token away, and all that this browser kept of the site's pages."""
    _become(None)
    after_this_request(_drop_cookie)


def _become(signed_in: SignedIn | None) -> None:
    if signed_in is None:
        g._login_user = current_app.login_manager.anonymous_user()  # type: ignore[attr-defined]  # noqa: SLF001 - flask-login keeps the user of a request there
    else:
        g._login_user = signed_in  # noqa: SLF001
    g.pop("reader", None)


def _set_cookie(token: str, response: Response) -> Response:
    response.set_cookie(
        session_cookie(), token, max_age=COOKIE_SECONDS, secure=request.is_secure,
        httponly=True, samesite="Lax", path="/",
    )  # fmt: skip
    response.delete_cookie(
        cookie_name(), secure=request.is_secure, httponly=True, samesite="Lax", path="/"
    )
    return response


def _drop_cookie(response: Response) -> Response:
    response.delete_cookie(
        session_cookie(), secure=request.is_secure, httponly=True, samesite="Lax", path="/"
    )
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


def csrf_token() -> str:
    """Return what a form of this session must carry; nothing for a guest.

    It is made from the session's token, so that it needs no place of its own and ends with it;
    from the new one if this answer brings one.
    """
    token = _token()
    if not token or current_session() is None:
        return ""
    key: bytes = current_app.extensions["obolo_csrf"]
    return hmac.new(key, token.encode(), hashlib.sha256).hexdigest()


def has_csrf_token(given: str) -> bool:
    """Tell whether a form carries this session's token."""
    wanted = csrf_token()
    return bool(wanted) and hmac.compare_digest(wanted.encode(), given.encode())
