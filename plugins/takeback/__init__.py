"""Not worth it? Within ten minutes a text is given back, and the money is there again."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, render_template
from markupsafe import Markup

from core import current_reader, hookimpl
from plugins.takeback.rules import opened_by, seconds_left
from plugins.takeback.views import pages


@hookimpl
def register_blueprint() -> Blueprint:
    """Ask once more, and give back."""
    return pages


@hookimpl
def render_slot(slot: str, context: Mapping[str, object]) -> Markup | None:
    """Stand under a text that its reader opened just now, and on its receipt."""
    reader = current_reader()
    if slot not in ("post.after", "receipt.after") or not reader.holders:
        return None
    if slot == "post.after":
        order = opened_by(reader, str(context["resource"]))
    else:
        order = str(context["order"])
    if not order or seconds_left(order, reader) <= 0:
        return None
    return Markup(render_template("takeback/offer.html", order=order))  # noqa: S704 - a template
