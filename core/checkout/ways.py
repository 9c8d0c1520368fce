"""The ways to pay an amount, and what each costs the site."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Protocol, cast

from core import figures, ledger
from core.errors import OboloError, Refused
from core.money import Money
from core.orders import Order
from core.payments import Provider, Quote
from core.people import Reader
from core.plugins import catalogue
from core.settings import value

log = logging.getLogger("obolo.checkout")
LARGEST_UNITS = 1_000
"""Up to so many major units the least price that is worth it is looked for."""


class Lender(Provider, Protocol):
    """A provider whose `can` holds `lend`: a reader pays later what it settles now."""

    def room(self, reader: Reader, currency: str) -> Money:
        """Return how much more this reader may owe now."""

    def owed(self, reader: Reader, currency: str) -> Money:
        """Return how much this reader owes."""


@dataclass(frozen=True, slots=True)
class Way:
    """A way to pay an amount, and what it costs the site."""

    provider: Provider
    quote: Quote


def ways(amount: Money, reader: Reader, *, hold: bool = False) -> list[Way]:
    """Return the ways to pay an amount, the cheapest for the site first.

    One whose fee takes more than `checkout.most_fee_share` of it is left out, unless the owner set
    `checkout.allow_loss`; so is a balance or tab in which there is not enough left, a tab for who
    has enough here, and, with `hold`, what cannot reserve money first; and one that cannot say what
    it costs.
    """
    offered = (
        offer(provider, amount, reader.country)
        for provider in catalogue.providers.values()
        if ("hold" in provider.can or not hold) and _is_enough(provider, amount, reader)
    )
    found = sorted(filter(None, offered), key=lambda way: way.quote.fee.minor)
    has_enough = any("instant" in w.provider.can and not lends(w.provider) for w in found)
    return [way for way in found if not (has_enough and lends(way.provider))]


def ways_for(order: Order, reader: Reader) -> list[Way]:
    """Return the ways to pay an order: what is paid into a balance never comes out of it."""
    found = ways(order.total, reader, hold=order.is_held)
    return [way for way in found if not pays_itself(way.provider, order)]


def lends(provider: Provider) -> bool:
    """Tell whether a provider settles now what the reader pays later."""
    return "lend" in provider.can


def pays_itself(provider: Provider, order: Order) -> bool:
    """Tell whether an order would pay into what it is paid from.

    What is lent pays into no account of the holder's at all: neither a balance nor another debt.
    """
    own = [one.account for one in order.lines if one.account.endswith(f":{order.holder}")]
    return bool(own) and (lends(provider) or provider.till(order.holder, order.currency) in own)


def express(amount: Money, reader: Reader, *, hold: bool = False) -> tuple[str, ...]:
    """Return the names of the ways by which an amount can be paid on a page of the site."""
    offered = ways(amount, reader, hold=hold)
    return tuple(way.provider.name for way in offered if "inline" in way.provider.can)


def offer(provider: Provider, amount: Money, country: str) -> Way | None:
    """Return the way to pay an amount by a provider, if it is worth it to the site."""
    quote = quoted(provider, amount, country)
    return None if quote is None or not is_worth_it(amount, quote) else Way(provider, quote)


def quoted(provider: Provider, amount: Money, country: str) -> Quote | None:
    """Return what a provider says it costs; one that cannot say is not offered."""
    try:
        return provider.quote(amount, country=country)
    except OboloError as error:
        log.warning("provider %s is not offered: %s", provider.name, error)
        return None


def way_named(name: str, order: Order, reader: Reader) -> Provider:
    """Return the provider of this name, if it is offered for the order. Raises Refused.

    Whether there is enough left is for the ledger's bound to say, in the transaction that pays.
    """
    found = catalogue.providers.get(name)
    can_do = found and ("hold" in found.can or not order.is_held)
    if found and can_do and not pays_itself(found, order):
        way = offer(found, order.total, reader.country)
        if way is not None:
            return found
    raise Refused("This way of paying is not offered for this amount.")


def _is_enough(provider: Provider, amount: Money, reader: Reader) -> bool:
    left = left_with(provider, reader, amount.currency)
    return left is None or left.minor >= amount.minor


def is_worth_it(amount: Money, quote: Quote) -> bool:
    """Tell whether the fee leaves the site what the owner wants of a sale."""
    fee = quote.fee.minor
    if fee <= 0 < amount.minor or value("checkout.allow_loss"):
        return True
    return fee < amount.minor and fee * 100 <= amount.minor * value("checkout.most_fee_share")


def left_with(provider: Provider, reader: Reader, currency: str) -> Money | None:
    """Return how much a reader can still spend by a provider; None when nothing bounds it.

    Only what is settled from an account of the holder's own is bounded: a balance, a tab. Whoever
    the site has a claim against has nothing left.
    """
    if "instant" not in provider.can:
        return None
    account = provider.till(reader.holder, currency)
    if not account.endswith(f":{reader.holder}"):
        return None
    spare = figures.spare(account, currency, provider.mode)
    if spare and lends(provider):
        spare = min(spare, cast("Lender", provider).room(reader, currency).minor)
    if spare and ledger.claims(reader.holders or (reader.holder,)):
        return Money(0, currency)
    return None if spare is None else Money(spare, currency)


def direct(amount: Money, country: str = "") -> list[Way]:
    """Return the ways to pay an amount that bring money in, the cheapest first."""
    asked = [
        Way(provider, quote)
        for provider in catalogue.providers.values()
        if "instant" not in provider.can
        and (quote := quoted(provider, amount, country)) is not None
    ]
    return sorted(asked, key=lambda way: way.quote.fee.minor)


def keeps_methods(amount: Money, country: str = "") -> bool:
    """Tell whether an amount can be paid in a way that the reader may keep, to be charged later."""
    return any("save" in way.provider.can for way in direct(amount, country))


def least_direct(provider: Provider, currency: str, country: str = "") -> Money | None:
    """Return the price from which on a provider's fee leaves the site what the owner wants.

    None when that is never so, up to a thousand units. Fees grow more slowly than prices, but for
    the cent to which they are rounded.
    """
    low, high = 0, Money.of_units(LARGEST_UNITS, currency).minor

    def fits(minor: int) -> bool:
        amount = Money(minor, currency)
        quote = quoted(provider, amount, country)
        return quote is not None and is_worth_it(amount, quote)

    if not fits(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    return Money(high, currency)


def site_mode() -> str:
    """Return `test` while every provider that brings money in only plays, else `live`."""
    modes = {one.mode for one in catalogue.providers.values() if "instant" not in one.can}
    return "test" if modes == {"test"} else "live"
