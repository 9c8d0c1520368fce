"""Stripe: cards, Apple Pay and Google Pay, paid on Stripe's own page or by an express button."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import cast

from flask import Blueprint
from markupsafe import Markup

from core import Health, Provider, hookimpl
from plugins.stripe import connecting, express
from plugins.stripe.chosen import chosen
from plugins.stripe.provider import Stripe
from plugins.stripe.views import pages


@hookimpl
def register_provider() -> Provider:
    """Offer to pay by card or wallet."""
    return cast("Provider", Stripe(chosen))  # its mode and its payee are as the owner sets them


@hookimpl
def register_blueprint() -> Blueprint:
    """Show the owner how to connect, and Apple its file."""
    return pages


@hookimpl
def check_health() -> Iterable[Health]:
    """Look whether Stripe answers, reports, and takes the site's keys."""
    return [replace(one, address=connecting.PAGE) for one in connecting.look(chosen())]


@hookimpl
def render_slot(slot: str, context: Mapping[str, object]) -> Markup | None:
    """Draw the express buttons."""
    return express.draw(slot, context)
