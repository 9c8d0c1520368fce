"""What a resource costs: its own price, else the default of one of its tags."""

from __future__ import annotations

import logging
from functools import lru_cache

from core import BadInput, Money, ResourceCard, card_of, site_currency, value

log = logging.getLogger("obolo.plugins.paywall")
LABEL = {"en": "Price", "it": "Prezzo"}
FREE = "free"


def check(text: str) -> Money | None:
    """Read a price such as `0.20 EUR`; None for `free`. Raises BadInput."""
    if text.strip().lower() == FREE:
        return None
    price = Money.read(text)
    if price.minor <= 0:
        raise BadInput("A price is more than nothing; write free for a post that costs nothing.")
    if price.currency != site_currency():
        raise BadInput("Prices here are in {currency}.", currency=site_currency())
    return price


@lru_cache(maxsize=8)
def by_tag(text: str) -> dict[str, Money | None]:
    """Read the prices by tag; a line that cannot be read is logged and left out."""
    prices: dict[str, Money | None] = {}
    for line in filter(str.strip, text.splitlines()):
        tag, _, price = line.partition("=")
        try:
            prices[tag.strip()] = check(price)
        except BadInput as error:
            log.warning("the price of the tag %s is left out: %s", tag.strip(), error)
    return prices


def price_of(resource: str) -> tuple[ResourceCard, Money] | None:
    """Return a resource's card and price; None when it is free, or nobody describes it.

    The dearest tag counts where several have a default.
    """
    card = card_of(resource)
    if card is None:
        return None
    if "price" in card.fields:
        price = check(card.fields["price"])
    else:
        defaults = by_tag(value("paywall.tag_prices"))
        found = [default for tag in card.tags if (default := defaults.get(tag)) is not None]
        price = max(found, key=lambda one: one.minor, default=None)
    return None if price is None else (card, price)
