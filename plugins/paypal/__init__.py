"""PayPal: readers pay on its page, and the site captures what they approved, once."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Blueprint

from core import Health, Provider, hookimpl
from plugins.paypal import chosen, connecting
from plugins.paypal.provider import PayPal
from plugins.paypal.views import pages


@hookimpl
def register_provider() -> Provider:
    """Offer to pay by PayPal, once the owner has connected it."""
    return PayPal(chosen.site)


@hookimpl
def register_blueprint() -> Blueprint:
    """Connect PayPal step by step, and take back readers who left its page."""
    return pages


@hookimpl
def check_health() -> Iterable[Health]:
    """Say whether PayPal lets this site in, and what stands in the way of selling."""
    return connecting.check()
