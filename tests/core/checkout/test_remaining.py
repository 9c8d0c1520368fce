"""An owner sees what remains of a price before it is saved, and from which price on a way pays."""

from __future__ import annotations

import pytest

from core import checkout
from core.checkout.remaining import Remaining
from tests.core.checkout.test_choices import LISTS, Purse
from tests.stand_in import eur, plugged


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_each_way_says_what_it_leaves(db):
    """By card 0.20 loses 8 cents and is not offered; out of 5.00 paid in it leaves 19."""
    with plugged(LISTS["PayPal micro"], LISTS["Stripe EEA"], Purse()):
        card, balance = checkout.what_remains(eur(60))[1:]

    assert card == Remaining("card", eur(26), eur(34), is_offered=False, least=eur(290))
    assert balance == Remaining("", eur(4), eur(56), is_offered=True, top_up=eur(500))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_without_a_balance_only_direct_ways_remain(db):
    """A price below a provider's least is not among its ways."""
    with plugged(LISTS["Stripe EEA"]):
        assert checkout.what_remains(eur(20)) == []
        assert [one.is_offered for one in checkout.what_remains(eur(500))] == [True]
