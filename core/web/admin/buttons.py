"""Buttons for other sites: the lines of HTML to copy onto another site's page."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, current_app, request, url_for
from markupsafe import escape

from core.people import current_reader
from core.plugins import Query, catalogue, each
from core.web.admin.shell import admin_page
from core.web.buttons import label_of
from core.web.callers import callers
from core.web.returning import host_of, is_allowed, signed

blueprint = Blueprint("admin_buttons", __name__, url_prefix="/admin/buttons")
MOST = 200


@dataclass(frozen=True, slots=True)
class Target:
    """What a button can lead to: a resource by its name, a page of a plugin's by its path."""

    name: str
    title: str


@blueprint.get("/")
@callers("posts.write")
def show() -> Response:
    """Choose what a button leads to and where it will stand; show the lines to copy."""
    language = request.args.get("language", "")
    languages = current_app.extensions["obolo_languages"]
    if language not in languages:
        language = current_reader().language
    targets, name = _targets(language), request.args.get("to", "")
    page = request.args.get("page", "").strip()
    found = next((one for one in targets if one.name == name), None)
    return admin_page(
        "admin/buttons.html", targets=targets, chosen=found, page=page, language=language,
        choices=languages, is_allowed=is_allowed(page), host=host_of(page),
        snippets=_snippets(found, page, language) if found else (),
    )  # fmt: skip


def _targets(language: str) -> list[Target]:
    query = Query(limit=MOST)
    cards = [card for _, some in each("list_resources", query=query) for card in some][:MOST]
    pages = [
        Target(one.path, one.label.get(language) or one.label["en"])
        for manifest in catalogue.manifests.values()
        for one in manifest.buttons
    ]
    return [*pages, *(Target(card.resource, card.title) for card in cards)]


def _snippets(target: Target, page: str, language: str) -> list[str]:
    """Return the lines for a picture and for a link of words; a plugin's page has words only."""
    more = signed(page)
    if target.name.startswith("/"):
        return [_link(request.url_root.rstrip("/") + target.name + more, target.title)]
    card = next(card for _, card in each("describe", resource=target.name))
    address = url_for("buttons.go", resource=card.resource, _external=True) + more
    label = f"{card.title}: {label_of(card, language)}"
    drawn = url_for("buttons.picture", resource=card.resource, lang=language, _external=True)
    image = f'<img src="{escape(drawn)}" alt="{escape(label)}" height="56">'
    return [f'<a href="{escape(address)}">{image}</a>', _link(address, label)]


def _link(address: str, words: str) -> str:
    return f'<a href="{escape(address)}">{escape(words)}</a>'
