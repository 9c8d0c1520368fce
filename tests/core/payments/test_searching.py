"""Orders are found by what is known of them and of their payments."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import checkout
from core.clock import now
from core.payments import records
from core.payments.searching import Wanted, buyers, find, providers_used
from core.people import users
from tests.stand_in import StandIn, begun, changed, dispute, eur, plugged, post_line, sold


@pytest.fixture
def provider(db):
    stand_in = StandIn()
    with plugged(stand_in):
        yield stand_in


def ids(**wanted):
    return [one.order.id for one in find(Wanted(**wanted), limit=10)]


def test_an_order_is_found_by_any_number_that_belongs_to_it(provider):
    """Its own, its payment's, the provider's, a refund's, a movement's; a part finds nothing."""
    payment = sold(provider)
    begun(provider, post_line(30, "post:other"))
    refund = checkout.refund(payment.order, {1: 5}, actor="cli", reason="asked")
    numbers = [payment.order, payment.id, f"si_{payment.id}", refund.id, "ch"]

    assert [ids(number=number) for number in numbers] == [[payment.order]] * 5
    assert ids(number=payment.order[:-1]) == []
    assert ids(number="%") == []


def test_orders_are_found_by_state_mode_provider_holder_and_day(provider):
    """Each narrows the list; the newest comes first."""
    paid, opened = sold(provider), begun(provider, post_line(30, "post:other"))
    later = now() + timedelta(seconds=1)

    assert ids() == [opened.order, paid.order]
    assert ids(state="paid") == [paid.order]
    assert ids(state="open", mode="live", provider="standin") == [opened.order]
    assert ids(mode="test") == ids(provider="other") == ids(holders=["gst_other"]) == []
    assert len(ids(holders=["gst_other", "gst_reader"])) == 2
    assert ids(since=later) == []
    assert len(ids(until=later)) == 2
    assert [one.order.id for one in find(Wanted(), limit=1, offset=1)] == [paid.order]
    assert providers_used() == ["standin"]


def test_a_sale_says_what_went_back_and_what_is_disputed(provider):
    """Refunds that are done, and disputes, however they ended."""
    payment = sold(provider)
    checkout.refund(payment.order, {1: 5}, actor="cli", reason="asked")
    (before,) = find(Wanted(), limit=1)
    changed(provider, records.find(payment.id), dispute("dp", 15))
    checkout.refresh(payment.id)
    (after,) = find(Wanted(), limit=1)

    assert (before.provider, before.back, before.disputed) == ("standin", eur(5), False)
    assert after.disputed


def test_buyers_are_users_with_what_they_claimed_and_guests(provider):
    """Only what was paid counts, and real money is told from play money."""
    sold(provider, post_line(20), post_line(30, "post:other"))
    begun(provider, post_line(90, "post:third"))
    (guest,) = buyers(limit=10)
    user = users.create(email="ada@example.org")
    users.claim(user.id, "gst_reader")
    (claimed,) = buyers(limit=10)

    assert (guest.holder, guest.orders, guest.spent, guest.played) == (
        "gst_reader", 1, eur(50), eur(0),
    )  # fmt: skip
    assert claimed.holder == user.id
    assert buyers(limit=10, offset=1) == []
