"""What remains of a price to the site, by each way in which it can be paid."""

from __future__ import annotations

from dataclasses import dataclass

from core.checkout.choices import top_ups
from core.checkout.ways import direct, is_worth_it, least_direct
from core.money import Money, share
from core.people import Reader


@dataclass(frozen=True, slots=True)
class Remaining:
    """What is left of a price by one way, and its fee.

    One that is not offered for the price has the least price at which it is. `top_up` is what is
    paid at once where the price comes out of a balance: its fee is shared by all that it opens.
    """

    label: str
    fee: Money
    left: Money
    is_offered: bool
    least: Money | None = None
    top_up: Money | None = None


def what_remains(price: Money, country: str = "") -> list[Remaining]:
    """Return the ways for a price: direct ones, and out of the least top-up that is suggested."""
    found = [
        Remaining(
            way.quote.label, way.quote.fee, price - way.quote.fee, is_worth_it(price, way.quote),
            least_direct(way.provider, price.currency, country),
        )
        for way in direct(price, country)
    ]  # fmt: skip
    for choice in top_ups(price, Reader(country=country))[:1]:
        quote = direct(choice.pays, country)[0].quote
        part = Money(share(quote.fee.minor, price.minor, choice.pays.minor), price.currency)
        found.append(Remaining("", part, price - part, is_offered=True, top_up=choice.pays))
    return found
