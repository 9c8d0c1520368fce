"""Which language a reader gets: the one chosen, else the browser's, else the site's."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from flask import Blueprint, Flask, Response, current_app, g, has_request_context, redirect, request
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header
from werkzeug.wrappers import Response as BaseResponse

from core.people.holders import COOKIE_SECONDS, cookie
from core.web.addresses import local_path
from core.web.callers import callers

COOKIE = "language"
blueprint = Blueprint("languages", __name__)


def install(app: Flask, default: str, languages: Sequence[str]) -> None:
    """Make the site's languages known, its own first."""
    app.extensions["obolo_languages"] = (default, *(one for one in languages if one != default))
    app.extensions["obolo_language"] = choose_language


def choose_language() -> str:
    """Return the language of this request, or the site's outside of one."""
    language: str | None = g.get("language")
    if language is None:
        offered: tuple[str, ...] = current_app.extensions["obolo_languages"]
        if not has_request_context():
            return offered[0]
        language = cookie(COOKIE)
        if language not in offered:
            language = _asked_for(request.environ.get("HTTP_ACCEPT_LANGUAGE", ""), offered)
        g.language = language
    return language


def use_language(language: str) -> None:
    """Answer this request in a language of the site, whatever the browser asks for."""
    if language in current_app.extensions["obolo_languages"]:
        g.language = language


@lru_cache(maxsize=2048)
def _asked_for(header: str, offered: tuple[str, ...]) -> str:
    accepted = parse_accept_header(header, LanguageAccept)
    return accepted.best_match(offered) or offered[0]


@blueprint.post("/language")
@callers("anyone")
def choose() -> Response:
    """Keep the reader's choice in a cookie of its own, which says nothing else."""
    response = redirect(local_path(request.form.get("back", "/")), 303)
    language = request.form.get("language", "")
    keep_language(response, language)
    return response  # type: ignore[return-value]


def keep_language(response: BaseResponse, language: str) -> None:
    """Let an answer carry a language of the site, for the answers to come."""
    if language in current_app.extensions["obolo_languages"]:
        response.set_cookie(
            COOKIE,
            language,
            max_age=COOKIE_SECONDS,
            samesite="Lax",
            secure=request.is_secure,
            httponly=True,
        )
