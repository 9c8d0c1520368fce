"""What the bank takes: the price list of a real provider, by currency, in minor units."""

from __future__ import annotations

from dataclasses import dataclass

WHOLE = 10_000


@dataclass(frozen=True, slots=True)
class Price:
    """`share` of each charge in ten-thousandths, plus `fixed`; `dispute` when one is opened."""

    share: int
    fixed: int
    dispute: int


PRICES = {
    # Stripe's standard cards, from 10 April 2023: support.stripe.com, prices for the EEA
    "EUR": Price(share=150, fixed=25, dispute=2000),
    # ... from 10 April 2023: support.stripe.com, prices for the United Kingdom
    "GBP": Price(share=150, fixed=20, dispute=2000),
    # ... from 1 June 2023: support.stripe.com, prices for the United States
    "USD": Price(share=290, fixed=30, dispute=1500),
}
"""A refund gives no fee back, and neither does a dispute that the site wins."""


def charge_fee(minor: int, currency: str) -> int:
    """Return the fee of a charge in minor units, half a unit rounded up."""
    price = PRICES[currency]
    return (minor * price.share + WHOLE // 2) // WHOLE + price.fixed
