"""A refund that was made at the provider belongs to no line until somebody names them."""

from __future__ import annotations

import pytest

from core import audit, checkout, entitlements, orders
from core.errors import BadInput, Conflict, Refused
from core.ledger import UNASSIGNED
from core.orders import Grant, Line
from core.payments import Kind, Movement, Status, records
from tests.stand_in import READER, changed, eur, held, sold

LINES = (
    Line("A post", eur(20), "income:posts", (Grant("post:hello"),)),
    Line("A tip", eur(100), "income:tips"),
)


def given_back(provider, minor, status=Status.DONE):
    """Return the payment of a paid order of which the owner gave something back elsewhere."""
    payment = sold(provider, *LINES)
    provider.facts[payment.id] = payment.facts
    back(provider, payment, minor, status)
    return checkout.refresh(payment.id)


def back(provider, payment, minor, status=Status.DONE):
    changed(provider, payment, Movement(Kind.REFUND, "re_1", minor, "EUR", status, fee=0))


def named(payment, lines, movement="re_1"):
    return checkout.name_refund(payment.order, movement, lines, actor="usr_1", reason="asked")


def test_it_is_unassigned_until_its_lines_are_named(provider):
    """A further entry takes it from the lines; what a line opened goes with the last cent."""
    payment = given_back(provider, 70)
    before = held(UNASSIGNED, "income:posts", "income:tips")
    (waits,) = checkout.unnamed(payment)
    named(payment, {1: 20, 2: 50})

    assert (waits.id, before) == ("re_1", [70, -20, -100])
    assert held(UNASSIGNED, "income:posts", "income:tips") == [0, 0, -50]
    assert not entitlements.holds_any(READER.holders, ["post:hello"])
    assert checkout.unnamed(payment) == []
    assert audit.events(subject=payment.order)[0].action == "orders.name_refund"


def test_what_is_left_to_give_back_knows_of_it(provider):
    """Neither named twice nor given back twice."""
    payment = given_back(provider, 70)
    named(payment, {2: 70})
    left = checkout.left(order_of(payment), payment)
    with pytest.raises(Conflict):
        named(payment, {2: 30})
    with pytest.raises(Refused):
        checkout.refund(payment.order, {2: 31}, actor="usr_1", reason="again")
    checkout.refund(payment.order, {1: 20, 2: 30}, actor="usr_1", reason="the rest")

    assert left == {1: 20, 2: 30}
    assert held(UNASSIGNED, "income:posts", "income:tips", "assets:standin") == [0, 0, 0, 0]


def order_of(payment):
    return orders.find(payment.order)


@pytest.mark.parametrize("lines", [{1: 20}, {1: 21, 2: 49}, {1: 0, 2: 70}, {3: 70}, {}])
def test_the_lines_come_to_what_went_back(provider, lines):
    """To the cent, and to no more than each line has left."""
    payment = given_back(provider, 70)

    with pytest.raises(BadInput):
        named(payment, lines)
    assert held(UNASSIGNED) == [70]


@pytest.mark.parametrize("movement", ["re_2", ""])
def test_only_a_refund_that_waits_is_named(provider, movement):
    """And one that core asked for has its lines already."""
    payment = given_back(provider, 70)
    checkout.refund(payment.order, {1: 20}, actor="usr_1", reason="asked")

    with pytest.raises(Conflict):
        named(payment, {2: 70}, movement)
    assert [one.id for one in checkout.unnamed(records.find(payment.id))] == ["re_1"]


def test_a_named_refund_that_bounces_gives_its_lines_back(provider):
    """What was revoked opens again, and the money can be given back once more."""
    payment = given_back(provider, 120)
    named(payment, {1: 20, 2: 100})
    back(provider, payment, 120, Status.FAILED)
    payment = checkout.refresh(payment.id)

    assert held(UNASSIGNED, "income:posts", "income:tips") == [0, -20, -100]
    assert entitlements.holds_any(READER.holders, ["post:hello"])
    assert checkout.left(order_of(payment), payment) == {1: 20, 2: 100}
