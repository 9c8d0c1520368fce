"""What the site's pages say of gifts: beside a purchase, below a text, in a library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import render_template, url_for
from markupsafe import Markup

from core import ResourceCard, card_of, current_reader, gettext, holds_any
from plugins.gifts import giving, records


def drawn(slot: str, context: Mapping[str, Any]) -> Markup | None:
    """Draw the way to give a text away, where it is sold, and below it for who has bought it."""
    if slot not in ("panel.after", "post.after"):
        return None
    reader, resource = current_reader(), context["resource"]
    if slot == "post.after" and not holds_any(reader.holders, (resource,)):
        return None
    if giving.sold(resource, reader) is None:
        return None
    page = render_template("gifts/offer.html", resource=resource, after=slot == "post.after")
    return Markup(page)  # noqa: S704 - a template, which escapes


def card(resource: str) -> ResourceCard | None:
    """Return what a library shows of a gift; it has no price, so no gate stands before it."""
    if not resource.startswith(records.PREFIX):
        return None
    gift = records.find(resource.removeprefix(records.PREFIX))
    text = card_of(gift.resource) if gift else None
    if gift is None or text is None:
        return None
    title = gettext("Gift: %(title)s", title=text.title)
    return ResourceCard(resource, "gift", title, url_for("gifts.show", id=gift.id), text.language)
