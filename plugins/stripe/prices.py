"""What a charge will cost, before it is made: the owner's figures, else those of `fees.toml`."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path

import msgspec

from core import Money

TABLE = Path(__file__).with_name("fees.toml")
WHOLE = 10_000


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the table: `share` of a charge in ten-thousandths, plus `fixed` in minor units."""

    account: str
    cards: str
    share: int
    fixed: int
    dispute: int = 0
    currency: str = ""
    since: date | None = None
    source: str = ""


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file: prices, and the countries of each area."""

    price: tuple[Price, ...]
    areas: dict[str, tuple[str, ...]]


@cache
def table() -> Table:
    """Read the table that came with the plugin."""
    return msgspec.toml.decode(TABLE.read_bytes(), type=Table)


def price_for(account: str, country: str) -> Price:
    """Return the price of a card of a country for an account; of one at home when none is told."""
    rows = [row for row in table().price if row.account == account]
    areas = {name for name, countries in table().areas.items() if country in countries}
    if not country:
        return rows[0]
    return next(row for row in rows if row.cards in areas or row.cards == "other")


def fee_of(amount: Money, price: Price) -> Money:
    """Return the fee of a charge, half a unit rounded up."""
    share = (amount.minor * price.share + WHOLE // 2) // WHOLE
    return Money(share + price.fixed, amount.currency)
