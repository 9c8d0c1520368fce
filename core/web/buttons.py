"""Buttons for other sites: a link to an offer, a picture of its price, and the way back.

The other site needs no script and no frame. It learns nothing of who came, or whether they paid.
"""

from __future__ import annotations

import hashlib
from typing import Any

from flask import Blueprint, Response, current_app, redirect, render_template, request
from flask_babel import force_locale, gettext

from core import access, checkout
from core.errors import NotFound
from core.money import Money
from core.people import Reader, current_reader
from core.plugins import ResourceCard, card_of
from core.web.callers import callers
from core.web.doors import private
from core.web.returning import host_of, page_before, way_back

blueprint = Blueprint("buttons", __name__)
KEPT_SECONDS = 300
LONGEST_TITLE = 48
PICTURE_POLICY = "default-src 'none'; sandbox"


def _card(resource: str) -> ResourceCard:
    card = card_of(resource) if resource.isprintable() and len(resource) <= 200 else None
    if card is None:
        raise NotFound("There is no such resource.")
    return card


@blueprint.get("/go/back")
@callers("anyone")
def back() -> Any:
    """Lead back to the page where the button stood, if its address is signed and still allowed."""
    page = page_before()
    if not page:
        raise NotFound("There is no way back to where you came from.")
    return redirect(page, 303)


@blueprint.get("/go/<resource>")
@callers("anyone")
def go(resource: str) -> Response:
    """Show what opens a resource, or that it is open, with the way back to the other site."""
    card = _card(resource)
    decided = access.decide(resource, current_reader())
    here = request.full_path if request.query_string else request.path
    page = render_template(
        "buttons/go.html", card=card, offers=decided.offers, is_open=decided.open,
        here=here, back=way_back(), host=host_of(page_before()),
    )  # fmt: skip
    return private(page)


def price_of(resource: str, language: str) -> Money | None:
    """Return what somebody who holds nothing pays for a resource; None when it is free."""
    nobody = Reader(language=language)
    offers = access.decide(resource, nobody).offers
    return checkout.draft(nobody, offers[0].lines).total if offers else None


def label_of(card: ResourceCard, language: str) -> str:
    """Return what a button says of a resource, in a language of the site."""
    price = price_of(card.resource, language)
    with force_locale(language):
        if price is None:
            return str(gettext("Read it"))
        return str(gettext("Read it for %(price)s", price=price.format(language)))


@blueprint.get("/embed/<resource>.svg")
@callers("anyone")
def picture(resource: str) -> Response:
    """Draw a button for another site's page: title and price, the same for everybody."""
    card = _card(resource)
    languages = current_app.extensions["obolo_languages"]
    asked = request.args.get("lang", card.language)
    label = label_of(card, asked if asked in languages else languages[0])
    title = card.title
    if len(title) > LONGEST_TITLE:
        title = title[: LONGEST_TITLE - 1].rstrip() + "…"
    width = min(max(180, 40 + round(8.4 * max(len(title), len(label)))), 460)
    drawn = render_template("buttons/picture.svg", title=title, label=label, width=width)
    response = Response(drawn, content_type="image/svg+xml; charset=utf-8")
    response.headers["Cache-Control"] = f"public, max-age={KEPT_SECONDS}"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.headers["Content-Security-Policy"] = PICTURE_POLICY
    response.set_etag(hashlib.sha256(drawn.encode()).hexdigest()[:32])
    response.make_conditional(request)
    return response
