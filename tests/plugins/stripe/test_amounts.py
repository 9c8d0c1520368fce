"""Amounts cross between core's scale and Stripe's, or are refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money import Money
from plugins.stripe.amounts import LEAST, from_stripe, is_charged, to_stripe


@pytest.mark.parametrize(("minor", "currency", "units"), [
    (20, "EUR", 20), (500, "JPY", 500), (5, "UGX", 500), (5, "ISK", 500), (5, "ALL", 500),
    (1230, "KWD", 1230), (1234, "KWD", None), (17500, "HUF", 17500), (1500, "CLP", 1500),
])  # fmt: skip
def test_each_currency_has_its_scale(minor, currency, units):
    """Five Ugandan shillings are 500: sent as 5, a hundredth would be charged."""
    assert to_stripe(Money(minor, currency)) == units


@given(st.integers(1, 10**9), st.sampled_from(["EUR", "JPY", "KWD", "ISK", "UGX", "MGA", "HUF"]))
def test_an_amount_comes_back_as_it_went(minor, currency):
    """What can be charged is reported as what was asked."""
    units = to_stripe(Money(minor, currency))

    assert units is None or from_stripe(units, currency) == minor


def test_a_part_of_a_unit_is_rounded_up():
    """A fee of 12.34 Icelandic crowns is 13: the books never show less than was taken."""
    assert (from_stripe(1234, "ISK"), from_stripe(-1234, "ISK")) == (13, -12)


@pytest.mark.parametrize("currency", sorted(LEAST))
def test_what_is_too_small_is_not_offered(currency):
    """Stripe's minimum can be charged, one unit less cannot."""
    least = from_stripe(LEAST[currency], currency)

    assert is_charged(Money(least, currency))
    assert not is_charged(Money(least - 1, currency))
