"""Errors for people as pages in their language, for machines as problem+json (RFC 9457)."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from flask import Flask, Response, jsonify, render_template, request
from flask_babel import gettext as _
from werkzeug.exceptions import HTTPException, MethodNotAllowed, SecurityError

from core import checkout, storage
from core.access import Access
from core.errors import OboloError
from core.limits import TooMany
from core.orders import Offer
from core.people import current_reader
from core.web.themes import fall_back
from core.web.wanting import wants_json

log = logging.getLogger("obolo.web")

SENTENCES = {
    404: "There is no such page.",
    405: "This page does not do that.",
    413: "That was too much at once.",
    500: "Something went wrong here. Nothing was taken; please try again.",
}


def problem(status: int, title: str, detail: str = "", **more: Any) -> Response:
    """Return a problem document."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    response = jsonify({key: value for key, value in body.items() if value != ""})
    response.status_code = status
    response.content_type = "application/problem+json"
    return response


def offers_of(access: Access) -> list[dict[str, object]]:
    """Return what opens a closed resource, for a machine."""
    return [_offer(offer) for offer in access.offers]


def _offer(offer: Offer) -> dict[str, object]:
    total = checkout.draft(current_reader(), offer.lines).total
    opens: Iterable[str] = (grant.key for line in offer.lines for grant in line.grants)
    return {
        "offer": offer.key,
        "title": offer.title,
        "minor": total.minor,
        "currency": total.currency,
        "opens": sorted(set(opens)),
    }


MACHINES = ("/webhooks/", "/api/")
"""What is below these addresses is for machines, whatever they say that they accept."""


def _answer(status: int, detail: str, **more: Any) -> Response:
    if wants_json() or request.path.startswith(MACHINES):
        response = problem(status, _("This did not work."), detail, **more)
        response.headers["Cache-Control"] = "no-store"
        if status == 401:
            response.headers["WWW-Authenticate"] = "Bearer"
        return response
    try:
        page = render_template("error.html", status=status, detail=detail)
    except Exception:
        log.exception("the theme cannot draw what went wrong")
        fall_back()
        page = render_template("error.html", status=status, detail=detail)
    return Response(page, status)


def install(app: Flask) -> None:
    """Turn every error of the app into an answer; a bug shows no details and is logged."""

    @app.errorhandler(OboloError)
    def refused(error: OboloError) -> Response:
        if error.status >= 500:
            log.error("%s", error)
        shown = error.status < 500 or type(error).status != 500
        detail = _(error.message).format(**error.values) if error.values else _(error.message)
        said = detail if shown and error.status != 503 else _kind(error)
        response = _answer(error.status, said, code=error.code, errors=getattr(error, "errors", ""))
        if isinstance(error, TooMany):
            response.headers["Retry-After"] = str(error.retry_after)
        return response

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Response:
        status = error.code or 500
        if status in (301, 302, 303, 307, 308):
            return error.get_response()  # type: ignore[return-value]
        if isinstance(error, SecurityError):  # for a foreign host no address can be built
            return Response(f"{error.name}\n", status, content_type="text/plain; charset=utf-8")
        response = _answer(status, _(SENTENCES.get(status, error.name)))
        if isinstance(error, MethodNotAllowed) and error.valid_methods:
            response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
        return response

    @app.errorhandler(Exception)
    def bug(error: Exception) -> Response:
        log.error("a bug at %s", _place(), exc_info=error)
        storage.close()
        return _answer(500, _(SENTENCES[500]))


def _place() -> str:
    """Return where a request went, without the secret of a link that stands in its address."""
    token = (request.view_args or {}).get("token")
    return request.path.replace(token, "…") if token else request.path


def _kind(error: OboloError) -> str:
    """Say nothing of the inside: what is unavailable can be tried again."""
    log.warning("unavailable: %s", error)
    return str(
        _("Something that is needed does not answer. Nothing was taken; please try again soon.")
    )
