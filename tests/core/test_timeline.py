"""What happened to an order is told from what is kept of it."""

from __future__ import annotations

import pytest

from core import checkout, mail, notices, orders
from core.clock import now
from core.money import Money
from core.payments import records
from core.timeline import entries_of, of_order
from tests.stand_in import StandIn, changed, dispute, eur, plugged, sold


@pytest.fixture
def provider(db):
    stand_in = StandIn()
    with plugged(stand_in, on_order_paid=lambda order: None):
        yield stand_in


def test_all_that_happened_is_there_in_its_order(provider):
    """Order, payment, charge, what it opened, refund with its reason, dispute, notice."""
    payment = sold(provider)
    notices.tell_due(now())
    checkout.refund(payment.order, {1: 5}, actor="usr_1", reason="Bought twice")
    changed(provider, records.find(payment.id), dispute("dp", 15, fee=100))
    checkout.refresh(payment.id)
    happened = of_order(orders.find(payment.order))

    assert {one.kind for one in happened} == {
        "ordered", "begun", "charge", "opened", "told", "orders.refund", "refund", "dispute",
        "fee of a dispute",
    }  # fmt: skip
    assert [one.kind for one in happened][:2] == ["ordered", "begun"]
    assert [one.at for one in happened] == sorted(one.at for one in happened)
    amounts = {one.kind: one.amount for one in happened}
    assert (amounts["charge"], amounts["refund"], amounts["dispute"]) == (eur(20), eur(5), eur(15))
    asked = next(one for one in happened if one.kind == "orders.refund")
    assert (asked.data["actor"], asked.data["reason"]) == ("usr_1", "Bought twice")


def test_what_was_booked_has_its_legs(provider):
    """They balance; an entry moved what its debits come to."""
    payment = sold(provider)
    (entry,) = entries_of(payment.order)

    assert entry.key == "standin:charge:ch"
    assert {leg.account: leg.amount.minor for leg in entry.legs} == {
        "assets:standin": 20, "income:posts": -20,
    }  # fmt: skip
    assert entry.amount == Money(20, "EUR")
    assert entries_of("ord_none") == []


def test_messages_about_an_order_are_told_without_what_they_say(provider):
    """By their subject: one waits until it is sent; others' messages are not there."""
    payment = sold(provider)
    for order in (payment.order, "ord_other"):
        mail.send("a@example.org", f"Receipt {order}", "Body", "en", about=order)
    before = of_order(orders.find(payment.order))
    mail.deliver_due(now())
    after = of_order(orders.find(payment.order))

    told = [(one.kind, one.data) for one in (before[-1], after[-1])]
    subject = {"subject": f"Receipt {payment.order}"}
    assert told == [("mail waits", subject), ("mail sent", subject)]
