"""A jar for tips: on a page of its own, in a text by `{{ tipjar }}`, or after every post."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint
from markupsafe import Markup

from core import Embed, Field, hookimpl, value
from plugins.tipjar.jar import AMOUNT, LABEL, check_amount, draw
from plugins.tipjar.views import pages


@hookimpl
def register_blueprint() -> Blueprint:
    """Show the jar and say thanks."""
    return pages


@hookimpl
def register_embeds() -> Mapping[str, Embed]:
    """Draw `{{ tipjar }}` and `{{ tipjar amount=200 }}`."""
    return {"tipjar": Embed(draw, LABEL, (Field("amount", "text", AMOUNT, check_amount),))}


@hookimpl
def render_slot(slot: str, context: Mapping[str, object]) -> Markup | None:
    """Stand after every post, where the owner wants that."""
    wanted = slot == "post.after" and value("tipjar.after_posts") == "always"
    return draw({}) if wanted else None
