"""Stripe's own scale of each currency, and what it takes at least and at most."""

from __future__ import annotations

from babel.numbers import get_currency_precision

from core import Money

# docs.stripe.com/currencies, as read on 22 November 2026
WHOLE = frozenset(
    "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split()  # noqa: SIM905
)
THREE_DIGITS = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
"""Sent with three decimals, of which the last is 0."""
WHOLE_IN_HUNDREDS = frozenset({"ISK", "UGX"})
"""Sent with two decimals, which are always 00."""
LEAST = {
    "AED": 200, "AUD": 50, "BGN": 100, "BRL": 50, "CAD": 50, "CHF": 50, "CZK": 1500, "DKK": 250,
    "EUR": 50, "GBP": 30, "HKD": 400, "HUF": 17500, "INR": 50, "JPY": 50, "MXN": 1000, "MYR": 200,
    "NOK": 300, "NZD": 50, "PLN": 200, "RON": 200, "SEK": 300, "SGD": 50, "USD": 50,
}  # fmt: skip
"""The minimum charge, in Stripe's units, where the account is settled in that currency."""
MOST = 99_999_999


def to_stripe(amount: Money) -> int | None:
    """Return an amount in Stripe's units; None when Stripe cannot charge exactly that."""
    power = _power(amount.currency)
    units, rest = divmod(amount.minor * 10 ** max(power, 0), 10 ** max(-power, 0))
    step = 10 if amount.currency in THREE_DIGITS else 1
    step = 100 if amount.currency in WHOLE_IN_HUNDREDS else step
    return None if rest or units % step else units


def from_stripe(units: int, currency: str) -> int:
    """Return minor units; what is smaller than one, as a part of a fee can be, is rounded up."""
    power = _power(currency)
    many, few = int(10 ** max(-power, 0)), int(10 ** max(power, 0))
    return -(-units * many // few)


def is_charged(amount: Money) -> bool:
    """Tell whether Stripe takes this amount."""
    units = to_stripe(amount)
    return units is not None and max(LEAST.get(amount.currency, 1), 1) <= units <= MOST


def _power(currency: str) -> int:
    """Return how many digits Stripe's unit is smaller than ours."""
    digits = 3 if currency in THREE_DIGITS else 2
    ours: int = get_currency_precision(currency)
    return (0 if currency in WHOLE else digits) - ours
