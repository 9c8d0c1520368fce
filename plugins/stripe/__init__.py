"""Stripe: cards, Apple Pay and Google Pay, paid on Stripe's own page or by an express button."""

from __future__ import annotations

from typing import cast

from core import Provider, hookimpl
from plugins.stripe.chosen import chosen
from plugins.stripe.provider import Stripe


@hookimpl
def register_provider() -> Provider:
    """Offer to pay by card or wallet."""
    return cast("Provider", Stripe(chosen))  # its mode and its payee are as the owner sets them
