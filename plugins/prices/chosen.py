"""Pay what you want, from the amount on that leaves the owner what they want of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from core import (
    BadInput,
    Grant,
    Line,
    Money,
    Offer,
    Reader,
    card_of,
    site_currency,
    value,
    what_remains,
)

FIELD = "pay_what_you_want"
LABEL = {"en": "Readers pay what they want", "it": "I lettori pagano quanto vogliono"}
YES, NO = ("yes", "true", "si", "sì"), ("no", "false", "")


def check(text: str) -> bool:
    """Read `yes` or `no`. Raises BadInput."""
    word = text.strip().lower()
    if word not in YES + NO:
        raise BadInput("Write yes or no.")
    return word in YES


def sold(offers: Iterable[Offer], resource: str) -> Line | None:
    """Return the line among the offers that sells a resource, and only that, for ever."""
    lines = [offer.lines[0] for offer in offers if len(offer.lines) == 1]
    return next(
        (one for one in lines if one.amount.minor > 0 and one.grants == (Grant(resource),)), None
    )


def is_open_to_choice(resource: str) -> bool:
    """Tell whether the author of a resource lets its readers choose the price."""
    card = card_of(resource)
    return card is not None and check(card.fields.get(FIELD, ""))


def least(reader: Reader) -> Money | None:
    """Return the least amount that leaves `prices.net_floor` by the cheapest way on offer.

    None when nothing up to `prices.own_most` does. What remains grows with the amount, and is
    mostly near the floor: so it is looked for in growing steps from there, then between two.
    """
    currency, floor, most = site_currency(), value("prices.net_floor"), value("prices.own_most")

    def fits(minor: int) -> bool:
        ways = what_remains(Money(minor, currency), reader.country)
        return any(way.is_offered and way.left.minor >= floor for way in ways)

    low, high, step = floor - 1, floor, 1
    while high > most or not fits(high):
        if high >= most:
            return None
        low, high, step = high, min(high + step, most), step * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    return Money(high, currency)


def line_for(line: Line, text: str, reader: Reader) -> Line:
    """Return the line at the amount that its reader typed. Raises BadInput, saying what may be."""
    amount = Money.parse(text, line.amount.currency, reader.language)
    lowest, most = least(reader), Money(value("prices.own_most"), amount.currency)
    if lowest is None:
        raise BadInput("There is no way to pay an amount of your own here right now.")
    if not lowest.minor <= amount.minor <= most.minor:
        raise BadInput(
            "Please choose an amount from {least} to {most}.",
            least=lowest.format(reader.language), most=most.format(reader.language),
        )  # fmt: skip
    return replace(line, amount=amount, data={**line.data, "chosen": True})
