"""Buying at once: order, payment and entry stand together, or none of them does."""

from __future__ import annotations

import pytest

from core import checkout, orders
from core.ledger import BoundExceeded
from core.orders import Line
from core.payments import records
from core.storage import execute
from tests.stand_in import READER, Instant, StandIn, eur, held, plugged, post_line
from tests.stand_in import sold as pay_for

PURSE = f"liabilities:purse:{READER.holder}"


@pytest.fixture
def purse(db):
    shop, purse = StandIn(), Instant()
    with plugged(shop, purse):
        pay_for(shop, Line("Top-up", eur(50), PURSE))
        yield purse


def test_one_call_orders_pays_and_opens(purse):
    """In one transaction, by a provider that asks nobody outside."""
    order = checkout.buy(READER, (post_line(),), purse.name)

    assert orders.find(order.id).state == "paid"
    assert [one.id for one in records.of_order(order.id)] == [order.payment]
    assert held(PURSE) == [-30]


def test_what_is_held_for_ever_is_not_bought_again(purse):
    """The second tap of a double tap."""
    checkout.buy(READER, (post_line(),), purse.name)
    with pytest.raises(checkout.AlreadyHeld):
        checkout.buy(READER, (post_line(),), purse.name)

    assert held(PURSE) == [-30]


def test_a_bound_that_refuses_leaves_nothing_behind(purse):
    """No order, no payment, no entry."""
    before = execute("SELECT COUNT(*) FROM orders_order").fetchone()[0]
    with pytest.raises(BoundExceeded):
        checkout.buy(READER, (post_line(60),), purse.name)

    assert execute("SELECT COUNT(*) FROM orders_order").fetchone()[0] == before


def test_what_costs_nothing_by_now_needs_no_provider(purse):
    """A form that was drawn before, and names one, opens it all the same."""
    lines = (post_line(), Line("All of it", eur(-20), "income:posts", part_of=1))
    order = checkout.buy(READER, lines, purse.name)

    assert (order.state, order.payment) == ("paid", None)
    assert held(PURSE) == [-50]
