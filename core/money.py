"""Money is a whole number of minor units and a currency. There are no floats here."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal

from babel.numbers import (
    NumberFormatError,
    format_currency,
    format_decimal,
    get_currency_precision,
    parse_decimal,
)

from core.errors import BadInput

TYPED = re.compile(r"[+-]?[\d.,'’\s]{1,24}")
"""What a person may type as an amount: no exponents, no NaN, and not more than can be exact."""
MOST_MINOR = 10**15
"""No amount on a site is larger, in minor units; sums of a thousand such still fit 64 bits."""


def digits(currency: str) -> int:
    """Return how many decimal digits a currency has (EUR 2, JPY 0, KWD 3), from CLDR by Babel."""
    return get_currency_precision(currency)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units of a currency, named by its ISO 4217 code in capitals."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        """Refuse what cannot be money: a bug, so it asserts."""
        assert type(self.minor) is int, self.minor
        assert -MOST_MINOR <= self.minor <= MOST_MINOR, self.minor
        assert len(self.currency) == 3, self.currency
        assert self.currency.isupper(), self.currency

    def __add__(self, other: Money) -> Money:
        assert self.currency == other.currency, (self, other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        return self + -other

    def __neg__(self) -> Money:
        return Money(-self.minor, self.currency)

    def __bool__(self) -> bool:
        """Tell whether there is any money at all."""
        return self.minor != 0

    def __str__(self) -> str:
        """Write it for machines and logs: `0.20 EUR`."""
        return f"{self.decimal} {self.currency}"

    @property
    def decimal(self) -> Decimal:
        """The amount in major units, exact: `Decimal('0.20')`."""
        return Decimal(self.minor).scaleb(-digits(self.currency))

    def format(self, locale: str) -> str:
        """Write it for a person, as the locale does: `€0.20`, `0,20 €`."""
        return format_currency(self.decimal, self.currency, locale=locale)

    def typed(self, locale: str) -> str:
        """Write it as a person types it in a locale's way, for `parse` to read: `0,20`."""
        places = digits(self.currency)
        pattern = "0." + "0" * places if places else "0"
        return str(format_decimal(self.decimal, format=pattern, locale=locale))

    @classmethod
    def parse(cls, text: str, currency: str, locale: str) -> Money:
        """Read what a person typed in a locale's way (`0,20` in Italian, `0.20` in English).

        Raises BadInput when it is no number, has more digits than the currency, or is too large.
        """
        number = None
        if TYPED.fullmatch(text.strip()):
            with suppress(NumberFormatError):
                number = parse_decimal(text.strip(), locale=locale, strict=True)
        if number is None:
            raise BadInput("“{text}” is not an amount.", text=text)
        return cls._exact(number, currency, text)

    @classmethod
    def read(cls, text: str) -> Money:
        """Read `0.20 EUR`, the form of front matter and settings. Raises BadInput."""
        number, _, currency = text.strip().partition(" ")
        if not (len(currency) == 3 and currency.isascii() and currency.isupper()):
            raise BadInput("“{text}” is not an amount; write it like 0.20 EUR.", text=text)
        if not (number.isascii() and number.replace(".", "", 1).isdigit() and len(number) <= 24):
            raise BadInput("“{text}” is not an amount; write it like 0.20 EUR.", text=text)
        return cls._exact(Decimal(number), currency, text)

    @classmethod
    def _exact(cls, number: Decimal, currency: str, text: str) -> Money:
        minor = number.scaleb(digits(currency))
        if not number.is_finite() or abs(minor) > MOST_MINOR:
            raise BadInput("“{text}” is too large an amount.", text=text)
        if minor != minor.to_integral_value():
            raise BadInput(
                "“{text}” has more digits than {currency} has.", text=text, currency=currency
            )
        return cls(int(minor), currency)

    @classmethod
    def of_units(cls, units: int, currency: str) -> Money:
        """Return so many whole units of a currency: 5 EUR are 500 minor units."""
        return cls(units * 10 ** digits(currency), currency)

    @classmethod
    def total(cls, amounts: Iterable[Money], currency: str) -> Money:
        """Add amounts of one currency; nothing adds up to zero."""
        minor = 0
        for amount in amounts:
            assert amount.currency == currency, (amount, currency)
            minor += amount.minor
        return cls(minor, currency)


def share(whole: int, part: int, of: int) -> int:
    """Return `whole * part / of` in minor units, halves to even and alike on both sides of zero."""
    assert of > 0, of
    quotient, rest = divmod(abs(whole * part), of)
    if 2 * rest > of or (2 * rest == of and quotient % 2):
        quotient += 1
    return quotient if whole * part >= 0 else -quotient
