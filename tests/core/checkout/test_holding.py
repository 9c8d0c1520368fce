"""Money that is held first: nothing moves before somebody decides, and then once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import checkout, entitlements, orders
from core.errors import Conflict, Refused
from core.orders import Grant, Line
from core.payments import Capture, Facts, ProviderRefused, ProviderUnknown, State, records
from core.reconcile import reconcile
from tests.stand_in import READER, StandIn, eur, held, plugged

SEAT = Line("A seat", eur(900), "income:seats", (Grant("seat:1"),), data={"hold": True})


@pytest.fixture
def holder(db):
    stand_in = StandIn(can=frozenset({"hold", "refund"}))
    with plugged(stand_in):
        yield stand_in


def reserved(holder, line=SEAT):
    order = checkout.start_order(READER, (line,))
    checkout.pay(order.id, holder.name, READER, "https://site.example/back")
    (payment,) = records.of_order(order.id)
    ready(holder, payment)
    return checkout.refresh(payment.id)


def ready(holder, payment):
    holder.facts[payment.id] = Facts(payment.ref, State.READY, reference=payment.id)


def captures(holder):
    return [key for what, about, key in holder.asked if isinstance(about, Capture)]


def test_held_money_moves_when_it_is_captured_and_opens_what_was_bought(holder):
    """The provider is asked to hold; the books know of nothing before the capture."""
    payment = reserved(holder)
    before = held("assets:standin"), orders.find(payment.order).state
    checkout.capture(payment.order, actor="usr_1")

    assert holder.asked[0][1].hold
    assert before == ([0], "open")
    assert held("assets:standin", "income:seats") == [900, -900]
    assert orders.find(payment.order).state == "paid"
    assert entitlements.holds_any(READER.holders, ["seat:1"])
    with pytest.raises(Conflict):
        checkout.capture(payment.order, actor="usr_1")


def test_released_money_never_moves_and_the_order_is_closed(holder):
    """Whoever said no cannot say yes later."""
    payment = reserved(holder)
    checkout.release(payment.order, actor="usr_1")

    assert records.find(payment.id).facts.state is State.CANCELLED
    assert orders.find(payment.order).state == "closed"
    assert held("assets:standin") == [0]
    with pytest.raises(Conflict):
        checkout.capture(payment.order, actor="usr_1")


def test_held_money_outlives_the_order_until_it_lapses_at_its_provider(holder, clock):
    """Nothing is captured or cancelled by time alone; a look learns that it lapsed."""
    payment = reserved(holder)
    clock.shift(timedelta(days=2))
    reconcile(orders.find(payment.order).expires + timedelta(days=1))
    still = orders.find(payment.order).state, captures(holder)
    holder.facts[payment.id] = Facts(payment.ref, State.CANCELLED, reference=payment.id)
    reconcile(orders.find(payment.order).expires + timedelta(days=2))

    assert still == ("open", [])
    assert orders.find(payment.order).state == "closed"


def test_a_decision_whose_answer_is_unknown_is_repeated_with_its_key(holder):
    """It is stored first, so that nothing is decided twice."""
    payment = reserved(holder)
    holder.error = ProviderUnknown("time-out")
    checkout.capture(payment.order, actor="usr_1")
    holder.error = None
    with pytest.raises(Conflict):
        checkout.release(payment.order, actor="usr_1")
    for _ in range(2):
        checkout.refresh(payment.id)

    assert captures(holder) == [f"{payment.id}:capture"] * 2
    assert held("assets:standin") == [900]


def test_a_refused_capture_leaves_the_decision_open(holder):
    """The provider's words reach whoever decided, who may then let the money go."""
    payment = reserved(holder)
    holder.error = ProviderRefused("the card is blocked")
    with pytest.raises(Refused, match="the card is blocked"):
        checkout.capture(payment.order, actor="usr_1")
    holder.error = None

    assert checkout.held_for(payment.order).id == payment.id
    checkout.release(payment.order, actor="usr_1")
    assert orders.find(payment.order).state == "closed"


def test_only_who_can_hold_is_offered(holder):
    """An order that is held first is not paid at once by mistake."""
    order = checkout.start_order(READER, (SEAT,))

    assert checkout.ways(order.total, READER, hold=True)
    with plugged(StandIn()), pytest.raises(Refused):
        checkout.pay(order.id, "standin", READER, "")


def test_what_the_reader_agreed_to_is_captured_at_once_without_a_hold(holder):
    """Webhook and return race: the same key, and one charge in the books."""
    payment = reserved(holder, Line("A post", eur(20), "income:posts", (Grant("post:1"),)))
    checkout.refresh(payment.id)

    assert captures(holder) == [f"{payment.id}:capture"]
    assert orders.find(payment.order).state == "paid"
    assert held("assets:standin") == [20]
