"""The ways to pay an amount, and what each costs the site."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from core.errors import OboloError, Refused
from core.money import Money
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


def ways(amount: Money, reader: Reader) -> list[Way]:
    """Return the ways to pay an amount, the cheapest for the site first.

    One whose fee would eat the sale is left out, unless the owner set `checkout.allow_loss`; and
    one that cannot say what it costs.
    """
    loss = value("checkout.allow_loss")
    offered = [
        Way(provider, quote)
        for provider in catalogue.providers.values()
        if (quote := _quote(provider, amount, reader)) is not None
        and (loss or quote.fee.minor < amount.minor)
    ]
    return sorted(offered, key=lambda way: way.quote.fee.minor)


def express(amount: Money, reader: Reader) -> tuple[str, ...]:
    """Return the names of the ways that an amount can be paid by on a page of the site."""
    return tuple(w.provider.name for w in ways(amount, reader) if "inline" in w.provider.can)


def _quote(provider: Provider, amount: Money, reader: Reader) -> Quote | None:
    try:
        return provider.quote(amount, country=reader.country)
    except OboloError as error:
        log.warning("provider %s is not offered: %s", provider.name, error)
        return None


def way_named(name: str, amount: Money, reader: Reader) -> Provider:
    """Return the provider of this name, if it is offered for the amount. Raises Refused."""
    for way in ways(amount, reader):
        if way.provider.name == name:
            return way.provider
    raise Refused("This way of paying is not offered for this amount.")
