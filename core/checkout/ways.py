"""The ways to pay an amount, and what each costs the site."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from core.errors import OboloError, Refused
from core.money import Money
from core.orders import Order
from core.payments import Provider, Quote
from core.people import Reader
from core.plugins import catalogue
from core.settings import value

log = logging.getLogger("obolo.checkout")


@dataclass(frozen=True, slots=True)
class Way:
    """A way to pay an amount, and what it costs the site."""

    provider: Provider
    quote: Quote


def ways(amount: Money, reader: Reader, *, hold: bool = False) -> list[Way]:
    """Return the ways to pay an amount, the cheapest for the site first.

    One whose fee would eat the sale is left out, unless the owner set `checkout.allow_loss`; so
    is, with `hold`, one that cannot reserve money first.
    """
    offered = (
        offer(provider, amount, reader.country)
        for provider in catalogue.providers.values()
        if "hold" in provider.can or not hold
    )
    return sorted(filter(None, offered), key=lambda way: way.quote.fee.minor)


def express(amount: Money, reader: Reader, *, hold: bool = False) -> tuple[str, ...]:
    """Return the names of the ways by which an amount can be paid on a page of the site."""
    offered = ways(amount, reader, hold=hold)
    return tuple(way.provider.name for way in offered if "inline" in way.provider.can)


def offer(provider: Provider, amount: Money, country: str) -> Way | None:
    """Return the way to pay an amount by a provider, if it is offered."""
    try:
        quote = provider.quote(amount, country=country)
    except OboloError as error:
        log.warning("provider %s is not offered: %s", provider.name, error)
        return None
    if quote is None or not (value("checkout.allow_loss") or quote.fee.minor < amount.minor):
        return None
    return Way(provider, quote)


def way_named(name: str, order: Order, reader: Reader) -> Provider:
    """Return the provider of this name, if it is offered for the order. Raises Refused."""
    for way in ways(order.total, reader, hold=order.is_held):
        if way.provider.name == name:
            return way.provider
    raise Refused("This way of paying is not offered for this amount.")
