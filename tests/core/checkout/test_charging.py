"""Kept methods: kept when the reader asked, charged once while they are away."""

from __future__ import annotations

import pytest

from core import checkout, orders
from core.errors import Conflict, NotFound, Refused
from core.payments import (
    Cancel,
    ChargeSaved,
    Facts,
    ProviderRefused,
    ProviderUnknown,
    State,
    methods,
    records,
)
from core.people import contacts
from core.plugins import catalogue
from core.storage import execute, transaction
from tests.people import EMAIL
from tests.stand_in import READER, StandIn, charge, held, paid, plugged, post_line

BACK = "https://site.example/checkout/"


@pytest.fixture
def keeper(db):
    stand_in = StandIn(can=frozenset({"save", "refund"}))
    with plugged(stand_in):
        yield stand_in


def kept(keeper, *, save=True, **facts):
    """Return the methods that a reader keeps after paying."""
    order = checkout.start_order(READER, (post_line(),))
    checkout.pay(order.id, keeper.name, READER, BACK + order.id, save=save)
    (payment,) = records.of_order(order.id)
    report = {"saved": "pm_secret", "saved_label": "Visa 4242", **facts}
    keeper.facts[payment.id] = paid(payment, charge("ch", 20), **report)
    checkout.refresh(payment.id)
    return methods.of_holders(READER.holders)


def another():
    return checkout.start_order(READER, (post_line(30, "post:next"),))


def charged(keeper):
    return [key for _, about, key in keeper.asked if isinstance(about, ChargeSaved)]


def test_a_method_is_kept_once_when_the_reader_asked(keeper):
    """Sealed, with the label that the reader knows it by; a repeated report keeps nothing more."""
    told = []
    with plugged(keeper, on_payment_saved=lambda order: told.append(order.id)):
        (method,) = kept(keeper)
        payment = records.find(method.payment)
        checkout.settle(keeper, payment.id, paid(payment, method="card"))
        count = execute("SELECT COUNT(*) FROM notices_notice").fetchone()[0]

    assert (method.label, methods.token(method.id)) == ("Visa 4242", "pm_secret")
    assert keeper.asked[0][1].save
    assert count == 1
    assert b"pm_secret" not in execute("SELECT token FROM payments_method").fetchone()[0]


@pytest.mark.parametrize("wish", [{"save": False}, {"saved": None}])
def test_nothing_is_kept_that_was_not_asked_for_or_not_kept(keeper, wish):
    """A provider that keeps by itself is no reason for the site to charge later."""
    assert kept(keeper, **wish) == []


def test_a_kept_method_pays_an_order_while_the_reader_is_away(keeper):
    """Once, with the payment's own id as the key; the second call finds the order paid."""
    (method,) = kept(keeper)
    order = another()
    payment = checkout.charge_saved(order.id, method.id)

    assert payment.facts.state is State.PAID
    assert orders.find(order.id).state == "paid"
    assert charged(keeper) == [payment.id]
    assert held("assets:standin") == [50]
    with pytest.raises(Conflict):
        checkout.charge_saved(order.id, method.id)


def test_an_unknown_answer_is_asked_for_again_with_the_same_key(keeper):
    """By whoever looks first, and by a second call; it is one payment."""
    (method,) = kept(keeper)
    order = another()
    keeper.error = ProviderUnknown("time-out")
    first = checkout.charge_saved(order.id, method.id)
    keeper.error = None
    again = checkout.charge_saved(order.id, method.id)
    checkout.refresh(first.id)

    assert first.facts.state is State.NEW
    assert again.id == first.id
    assert set(charged(keeper)) == {first.id}
    assert held("assets:standin") == [50]


def test_a_declined_method_is_a_failed_payment_that_may_be_tried_again_later(keeper):
    """The order stays open; the next charge is another payment with another key."""
    (method,) = kept(keeper)
    order = another()
    keeper.charged = Facts("", State.FAILED, failure="declined")
    first = checkout.charge_saved(order.id, method.id)
    keeper.charged = None
    second = checkout.charge_saved(order.id, method.id)

    assert (first.facts.state, second.facts.state) == (State.FAILED, State.PAID)
    assert first.id != second.id


def test_a_refusal_is_a_failed_payment_too(keeper):
    """Whoever charges is told by the payment, not by an error."""
    (method,) = kept(keeper)
    order = another()
    keeper.error = ProviderRefused("no such card")
    payment = checkout.charge_saved(order.id, method.id)
    keeper.error = None

    assert (payment.facts.state, payment.facts.failure) == (State.FAILED, "no such card")


def test_a_bank_that_wants_the_reader_sends_them_a_link_and_they_pay_there_once(make_site, outbox):
    """Paying on the page lets the charge go that waits, and begins a payment of its own."""
    keeper = StandIn(can=frozenset({"save"}))
    with make_site().app_context():
        catalogue.providers[keeper.name] = keeper
        contacts.keep(READER.holder, EMAIL, "en")
        (method,) = kept(keeper)
        order = another()
        keeper.charged = Facts("", State.CUSTOMER, failure="authentication_required")
        waits = [checkout.charge_saved(order.id, method.id) for _ in range(2)]
        letters = outbox.to(EMAIL)
        checkout.pay(order.id, keeper.name, READER, BACK + order.id)
        first, second = records.of_order(order.id)

    assert [one.id for one in waits] == [first.id] * 2
    assert [BACK + order.id in letter.body for letter in letters] == [False, True]
    assert "€0.30" in letters[-1].subject
    assert first.facts.state is State.CANCELLED
    assert second.facts.state is State.NEW
    assert [about for _, about, _ in keeper.asked if isinstance(about, Cancel)] == [Cancel()]


def test_only_the_holders_own_methods_charge_and_only_while_they_are_kept(keeper):
    """What a reader took away is forgotten; what is another's was never theirs."""
    (method,) = kept(keeper)
    order = another()
    with transaction():
        not_mine = methods.remove(method.id, ["gst_other"])
    stranger = checkout.start_order(
        type(READER)(holder="gst_other", holders=("gst_other",)), (post_line(40, "post:x"),)
    )
    with pytest.raises(NotFound):
        checkout.charge_saved(stranger.id, method.id)
    with plugged(StandIn()), pytest.raises(Refused):
        checkout.charge_saved(order.id, method.id)
    with transaction():
        mine = methods.remove(method.id, READER.holders)
    with plugged(keeper), pytest.raises(NotFound):
        checkout.charge_saved(order.id, method.id)

    assert (not_mine, mine) == (False, True)
    assert charged(keeper) == []
