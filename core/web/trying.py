"""A theme that is tried: its owner sees the real pages in it, and nobody else does.

What is tried stands in a signed address, and then in a signed cookie, so that it goes along from
page to page. Both name the session that may look, and hold for half an hour.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import (
    Flask,
    Response,
    after_this_request,
    current_app,
    g,
    has_request_context,
    render_template,
    request,
)
from itsdangerous import BadData, URLSafeTimedSerializer

from core.errors import Refused
from core.people import current_reader
from core.people.holders import cookie
from core.settings import Value
from core.themes import Themes

PERMISSION = "settings.change"
COOKIE, LOOPBACK_COOKIE = "__Host-obolo-trial", "obolo-trial"
"""Over plain HTTP a browser drops a cookie whose name starts with __Host-."""
TRIAL_SECONDS = 30 * 60
LONGEST = 3_000
"""A cookie holds 4 KB with its name and marks (RFC 6265, 6.1)."""
ADMIN = "/admin/"
BODY = re.compile(r"<body\b[^>]{0,500}>")


@dataclass(frozen=True, slots=True)
class Trial:
    """A theme's name, and those of its settings that are tried along."""

    theme: str
    values: Mapping[str, Value]


def install(app: Flask, key: bytes) -> None:
    """Make known what signs a trial."""
    app.extensions["obolo_trials"] = URLSafeTimedSerializer(
        key, salt="trial", signer_kwargs={"digest_method": hashlib.sha256}
    )


def _signer() -> URLSafeTimedSerializer:
    signer: URLSafeTimedSerializer = current_app.extensions["obolo_trials"]
    return signer


def signed(trial: Trial) -> str:
    """Return what lets this session try a theme. Raises Refused when the settings are too long."""
    text = _signer().dumps([trial.theme, dict(trial.values), current_reader().device])
    if len(text) > LONGEST:
        raise Refused("These settings are too long to be tried. Save them instead.")
    return str(text)


def is_trying() -> bool:
    """Tell whether this request says that it tries a theme; what is drawn is then not kept."""
    return has_request_context() and LOOPBACK_COOKIE in request.environ.get("HTTP_COOKIE", "")


def current_trial() -> Trial | None:
    """Return what is tried by this request: by its address, else by its cookie.

    The owner's own pages are never drawn in it, so that there is always a way back.
    """
    if not has_request_context():
        return None
    by_address = "sig=" in request.environ.get("QUERY_STRING", "")
    if not (by_address or is_trying()) or request.path.startswith(ADMIN):
        return None
    if "trial" not in g:
        g.trial = None  # what is drawn to answer this is drawn as everybody sees it
        text = request.args.get("sig", "") if by_address else cookie(_cookie_name())
        g.trial = _verified(text)
        if g.trial is not None:
            g.trial_text = text
            after_this_request(_marked)
    trial: Trial | None = g.trial
    return trial


def _verified(text: str) -> Trial | None:
    try:
        theme, values, device = _signer().loads(text, max_age=TRIAL_SECONDS)
    except (BadData, ValueError, TypeError):
        return None
    reader = current_reader()
    if not reader.device or device != reader.device or PERMISSION not in reader.permissions:
        return None
    return Trial(theme, values)


def _cookie_name() -> str:
    return COOKIE if request.is_secure else LOOPBACK_COOKIE


def _marked(response: Response) -> Response:
    """Let a page say that it is tried, and let nobody keep it."""
    response.headers["Cache-Control"] = "private, no-store"
    response.set_cookie(
        _cookie_name(), g.trial_text, max_age=TRIAL_SECONDS, secure=request.is_secure,
        httponly=True, samesite="Lax", path="/",
    )  # fmt: skip
    if response.mimetype == "text/html" and not response.direct_passthrough:
        page = response.get_data(as_text=True)
        if body := BODY.search(page):
            response.set_data(page[: body.end()] + _bar() + page[body.end() :])
    return response


def _bar() -> str:
    trial: Trial = g.trial
    themes: Themes = current_app.extensions["obolo_themes"]
    theme = themes.found.get(trial.theme) or themes.active
    title = theme.title(current_reader().language)
    return render_template("admin/themes/bar.html", name=theme.name, title=title)


def leave(response: Any) -> Any:
    """Let an answer end what is tried."""
    response.delete_cookie(
        _cookie_name(), secure=request.is_secure, httponly=True, samesite="Lax", path="/"
    )
    return response


def kept_trial() -> Trial | None:
    """Return what this browser tries just now, asked from an owner's page."""
    return _verified(cookie(_cookie_name()))
