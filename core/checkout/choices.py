"""How a reader can go on from a price: from a balance, directly, or by a top-up that stays.

A small price is never paid directly at a loss. It is paid from a balance, or together with a top-up
in one order and one payment: 5.00 are paid, 0.20 is the sale, 4.80 stay.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, cast

from flask_babel import gettext

from core.checkout.booking import owner_of
from core.checkout.ways import (
    Lender,
    direct,
    is_worth_it,
    left_with,
    lends,
    pays_itself,
    ways,
)
from core.errors import BadInput, Refused
from core.money import Money
from core.orders import Line, Order
from core.payments import Provider, records
from core.people import Reader
from core.plugins import catalogue
from core.settings import value

LADDER = (3, 5, 10, 20, 50, 100)
"""Round amounts, in major units, of which the least that are worth their fee are suggested."""
SUGGESTIONS = 2


class Keeper(Provider, Protocol):
    """A provider whose `can` holds `top_up`: it keeps money that a reader pays in beforehand."""

    def room(self, reader: Reader, currency: str) -> Money:
        """Return how much more this reader may pay in now."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One way on: what is paid now, by which instant provider, and what is left afterwards.

    Without a provider the money comes from outside; `top_up` is the part of it, in minor units,
    that stays. `left` is what the reader has here when it is done. `owed` is what they owe then,
    where the provider lends: `left` is what more it lends.
    """

    pays: Money
    provider: str = ""
    top_up: int = 0
    left: Money | None = None
    owed: Money | None = None

    @property
    def how(self) -> str:
        """Which words the button has: `later` where it is owed, `balance` where it is spent."""
        return "later" if self.owed is not None else "balance" if self.provider else ""


def choices(price: Money, reader: Reader) -> list[Choice]:
    """Return the ways on from a price, the best for both sides first; none when there is none.

    What costs nothing is ordered as it is.
    """
    if not price:
        return [Choice(price)]
    found = ways(price, reader)
    instant = [way.provider for way in found if "instant" in way.provider.can]
    own = [
        Choice(price, provider.name, left=left - price, owed=_owed(price, provider, reader))
        for provider in instant
        if (left := left_with(provider, reader, price.currency)) is not None
    ]
    if len(found) > len(own):
        return [*own, Choice(price)]
    if own and own[0].owed is None:
        return own
    return [*own, *top_ups(price, reader)[: 1 if own else None]]


def choices_for(order: Order, reader: Reader) -> list[Choice]:
    """Return the ways on from an order that is not stored yet, but those that would pay itself."""
    return [
        one
        for one in choices(order.total, reader)
        if not one.provider or not pays_itself(catalogue.providers[one.provider], order)
    ]


def _owed(price: Money, provider: Provider, reader: Reader) -> Money | None:
    if not lends(provider):
        return None
    return cast("Lender", provider).owed(reader, price.currency) + price


def top_ups(price: Money, reader: Reader) -> list[Choice]:
    """Return what can be paid for a price together with a top-up, the least amounts first.

    Suggested is what brings the fee of the cheapest provider to `checkout.top_up_share`; where a
    reader may not pay in so much, the most that is offered at all.
    """
    keeper = _keeper()
    if keeper is None:
        return []
    most = price + keeper.room(reader, price.currency)
    offered = [
        (amount, cheapest[0].quote.fee.minor * 100 <= amount.minor * value("checkout.top_up_share"))
        for units in LADDER
        if price.minor < (amount := Money.of_units(units, price.currency)).minor <= most.minor
        and (
            cheapest := [w for w in direct(amount, reader.country) if is_worth_it(amount, w.quote)]
        )
    ]
    good = [amount for amount, fits in offered if fits] or [amount for amount, _ in offered[-1:]]
    held = left_with(keeper, reader, price.currency) or Money(0, price.currency)
    return [
        Choice(amount, top_up=(amount - price).minor, left=held + amount - price)
        for amount in good[:SUGGESTIONS]
    ]


def _keeper() -> Keeper | None:
    found = [one for one in catalogue.providers.values() if "top_up" in one.can]
    return cast("Keeper", found[0]) if found else None


def keeper_name() -> str:
    """Return the name of the provider that keeps money for readers; nothing when none does."""
    keeper = _keeper()
    return keeper.name if keeper else ""


def keeper_for(order: Order) -> str:
    """Return who keeps what goes back of a paid order for its reader; nothing where it just goes.

    What is still owed comes off the debt, and stays with nobody.
    """
    name = records.find(order.payment).provider if order.payment else ""
    provider = catalogue.providers.get(name)
    if provider and lends(provider):
        owner = owner_of(order.holder)
        owed = cast("Lender", provider).owed(Reader(owner, (owner,)), order.currency)
        if owed.minor >= order.total.minor:
            return ""
    return keeper_name()


def top_up_line(text: str, reader: Reader, currency: str) -> Line:
    """Return the line by which a reader pays in so many minor units, as a form says.

    It earns the till of the provider that keeps them. Raises BadInput, and Refused when nobody does
    or it is more than they may pay in.
    """
    keeper = _keeper()
    if keeper is None:
        raise Refused("No balance is kept here.")
    if not (text.isascii() and text.isdigit() and 0 < len(text) <= 9 and int(text)):
        raise BadInput("Please choose one of the amounts.")
    amount, most = Money(int(text), currency), keeper.room(reader, currency)
    if amount.minor > most.minor:
        raise Refused("You can add up to {most} now.", most=most.format(reader.language))
    return Line(gettext("Added to your balance"), amount, keeper.till(reader.holder, currency))
