"""The express buttons: Apple Pay and Google Pay on a page of the site, by Stripe’s script."""

from __future__ import annotations

from collections.abc import Mapping

from flask import render_template
from markupsafe import Markup

from core import Money, current_reader
from plugins.stripe.amounts import to_stripe
from plugins.stripe.chosen import chosen

SLOTS = ("paywall.express", "checkout.express")


def draw(slot: str, context: Mapping[str, object]) -> Markup | None:
    """Return the place of the buttons; it stays hidden until the browser has a wallet.

    The amount is only what the wallet shows at first: what is charged is the order's.
    """
    set_now, ways, amount = chosen(), context.get("ways", ()), context.get("amount")
    is_asked = slot in SLOTS and isinstance(ways, tuple) and "stripe" in ways
    if not is_asked or not set_now.publishable or not isinstance(amount, Money):
        return None
    return Markup(render_template(  # noqa: S704 - a template that escapes
        "stripe/express.html", key=set_now.publishable, units=to_stripe(amount),
        currency=amount.currency.lower(), language=current_reader().language,
    ))  # fmt: skip
