"""Amounts as PayPal writes them: decimal strings, by a scale of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from core import BadInput, Money, OboloError, ProviderRefused, ProviderUnknown

CURRENCIES = frozenset({
    "AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "ILS", "JPY",
    "MXN", "MYR", "NOK", "NZD", "PHP", "PLN", "SEK", "SGD", "THB", "TWD", "USD",
})  # fmt: skip
"""What PayPal takes: developer.paypal.com, currency codes."""
NO_DECIMALS = frozenset({"HUF", "JPY", "TWD"})
"""At PayPal, whatever others do."""
SHARES = Decimal(10_000)


def fits(amount: Money) -> bool:
    """Tell whether PayPal can take exactly this amount."""
    if amount.minor <= 0 or amount.currency not in CURRENCIES:
        return False
    return amount.decimal == amount.decimal.quantize(_step(amount.currency))


def _step(currency: str) -> Decimal:
    return Decimal(1) if currency in NO_DECIMALS else Decimal("0.01")


def written(amount: Money) -> dict[str, str]:
    """Write an amount for PayPal. Raises ProviderRefused for one that it cannot take."""
    if not fits(amount):
        raise ProviderRefused("PayPal does not take this amount.")
    value = amount.decimal.quantize(_step(amount.currency))
    return {"currency_code": amount.currency, "value": format(value, "f")}


def read(amount: Mapping[str, Any]) -> Money:
    """Read an amount of PayPal's; it may be below zero. Raises ProviderUnknown for what is none."""
    try:
        text, currency = str(amount["value"]), str(amount["currency_code"])
        money = Money.read(f"{text.removeprefix('-')} {currency}")
    except (KeyError, TypeError, BadInput) as error:
        raise ProviderUnknown("PayPal’s answer makes no sense.") from error
    return -money if text.startswith("-") else money


@dataclass(frozen=True, slots=True)
class Fees:
    """What PayPal takes of a charge: `share` in hundredths of a percent, and `fixed`."""

    share: int
    fixed: Money

    @classmethod
    def of(cls, percent: str, fixed: str, currency: str) -> Fees | None:
        """Read what the owner typed, as `3.40` and `0.35`; None while one is missing or wrong."""
        try:
            share = Decimal(percent.replace(",", ".")) * 100
            money = Money.read(f"{fixed.replace(',', '.')} {currency}")
        except (InvalidOperation, OboloError):
            return None
        if share != share.to_integral_value() or not 0 <= share < SHARES:
            return None
        return cls(int(share), money)

    def of_charge(self, amount: Money) -> Money | None:
        """Return the fee of a charge, half a unit rounded up; None in another currency."""
        if amount.currency != self.fixed.currency:
            return None
        whole = int(SHARES)
        step = int(_unit(amount.currency))
        share = (amount.minor * self.share + whole * step // 2) // (whole * step) * step
        return Money(share + self.fixed.minor, amount.currency)


def _unit(currency: str) -> int:
    """Return the minor units in the smallest amount that PayPal knows of a currency."""
    return Money.read(f"{_step(currency)} {currency}").minor
