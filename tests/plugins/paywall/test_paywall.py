"""A price on a resource: its own, a tag's, or none; the gate it puts up and the offer it makes."""

from __future__ import annotations

import pytest

from core import BadInput, Gate, Money, Offer, ResourceCard, decide, hookimpl
from core.entitlements import grant
from core.people import Reader
from core.plugins import loaded
from plugins.paywall import prices
from plugins.paywall.prices import by_tag, check

GUEST = Reader(holder="gst_a", holders=("gst_a",))


@pytest.fixture
def describe(make_site):
    """Let a small plugin describe resources, before the paywall asks for their price."""
    site = make_site("paywall")
    cards: dict[str, ResourceCard] = {}
    asked: list[str] = []

    class Shelf:
        @staticmethod
        @hookimpl
        def describe(resource):
            asked.append(resource)
            return cards.get(resource)

    def put(resource, *tags, **fields):
        cards[resource] = ResourceCard(resource, "post", "A text", "/a", tags=tags, fields=fields)

    loaded().add("shelf", Shelf)
    put.asked = asked
    with site.test_request_context("/"):
        yield put


def test_a_priced_resource_is_closed_and_offers_its_own_key_for_ever(describe):
    """One line that earns the kind's income account and grants the resource's name."""
    describe("post:a", price="0.20 EUR")
    access = decide("post:a", GUEST)
    (offer,) = access.offers
    (line,) = offer.lines

    assert not access.open
    assert (line.amount, line.account) == (Money(20, "EUR"), "income:posts")
    assert [(one.key, one.lasts) for one in line.grants] == [("post:a", None)]


@pytest.mark.parametrize("fields", [{}, {"price": "free"}])
def test_a_resource_without_a_price_is_free(describe, fields):
    """No price, or the word free, puts up no gate."""
    describe("post:a", **fields)

    assert decide("post:a", GUEST).open


def test_what_nobody_describes_is_free(describe):
    """A price needs a card to stand on."""
    assert decide("post:unknown", GUEST).open


def test_the_price_is_not_asked_for_when_the_key_is_held(describe, db):
    """The holder's way is the one that nearly all requests take."""
    describe("post:a", price="0.20 EUR")
    grant("gst_a", "ord_1", [(1, "post:a", None)])
    access = decide("post:a", GUEST)

    assert access.open
    assert access.held
    assert describe.asked == []


def test_a_tag_gives_a_default_and_the_dearest_counts(describe, monkeypatch):
    """A post's own price wins over its tags'."""
    monkeypatch.setenv(
        "OBOLO_PAYWALL__TAG_PRICES", "essays = 0.20 EUR\nlong = 0.50 EUR\nnews = free"
    )
    describe("post:a", "essays", "long", "news")
    describe("post:b", "long", price="0.10 EUR")
    describe("post:c", "news")

    assert decide("post:a", GUEST).offers[0].total == Money(50, "EUR")
    assert decide("post:b", GUEST).offers[0].total == Money(10, "EUR")
    assert decide("post:c", GUEST).open


def test_a_line_of_tag_prices_that_is_wrong_does_not_take_the_others_along(caplog):
    """It is logged by name and left out."""
    found = by_tag("essays = much\nlong = 0.50 EUR")

    assert found == {"long": Money(50, "EUR")}
    assert "essays" in caplog.text


@pytest.mark.parametrize("text", ["", "0.20", "0 EUR", "-1 EUR", "0.201 EUR", "0.20 USD", "€ 0.20"])
def test_a_price_that_cannot_be_is_refused_when_it_is_written(text):
    """The author reads what to write instead."""
    with pytest.raises(BadInput):
        check(text)


def test_a_gate_of_another_plugin_is_widened_and_not_replaced(describe):
    """Its keys open as well, and its offers stand after the price."""
    describe("post:a", price="0.20 EUR")
    line = prices.price_of("post:a")
    further = Offer("pass", "A day", ())
    before = Gate(frozenset({"pass"}), lambda: (further,))
    from plugins.paywall import guard

    gate = guard("post:a", GUEST, before)

    assert line is not None
    assert gate.keys == {"pass", "post:a"}
    assert [offer.key for offer in gate.offers()] == ["paywall", "pass"]
