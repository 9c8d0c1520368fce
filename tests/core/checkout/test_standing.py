"""What goes back of an order: each account's share is the same, however it became known."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import checkout
from core.checkout import booking
from core.ledger import CLAIMS, UNASSIGNED, Leg
from core.orders import Line, Order
from core.payments import Kind, Movement, Status, records
from core.storage import transaction
from tests.stand_in import (
    READER,
    begun,
    charge,
    dispute,
    eur,
    held,
    paid,
    settled,
    sold,
    taxed,
)

FEES = "expenses:fees:standin"
PENDING, DONE, FAILED = Status.PENDING, Status.DONE, Status.FAILED


def test_a_dispute_takes_from_all_lines_in_proportion(provider):
    """Lines that are part of another follow it, to the cent."""
    payment = sold(provider, *taxed(), Line("Tip", eur(61), "income:tips"))
    settled(provider, payment, dispute("dp", 90))

    assert held("assets:standin", "income:posts", "liabilities:vat:IT", "income:tips") == [
        93, -51, -11, -31,
    ]  # fmt: skip


@pytest.mark.parametrize("status", [DONE, PENDING])
def test_a_dispute_takes_no_more_than_refunds_left(provider, status):
    """What is beyond it belongs to nobody yet."""
    payment = sold(provider, *taxed(), Line("Tip", eur(61), "income:tips"))
    checkout.refund(payment.order, {1: 61, 4: 61}, actor="cli", reason="asked")
    settled(provider, payment, dispute("dp", 61, status))

    assert held("income:posts", "liabilities:vat:IT", "income:tips", UNASSIGNED) == [0, 0, 0, 0]
    assert held("assets:standin") == [0]


def test_a_dispute_of_more_than_was_charged_is_partly_unassigned(provider):
    """A provider may take a cost of its own in the same figure."""
    payment = sold(provider)
    settled(provider, payment, dispute("dp", 35))

    assert held("assets:standin", "income:posts", UNASSIGNED) == [-15, 0, 15]


def test_two_disputes_share_what_is_left(provider):
    """Both open, they take the order once; a won one gives back what it took."""
    payment = sold(provider)
    settled(provider, payment, dispute("dp_1", 15))
    settled(provider, payment, dispute("dp_2", 15))
    assert held("assets:standin", "income:posts", UNASSIGNED) == [-10, 0, 10]
    settled(provider, payment, dispute("dp_2", 15, FAILED))
    settled(provider, payment, dispute("dp_1", 15, FAILED))

    assert held("assets:standin", "income:posts", UNASSIGNED) == [20, -20, 0]


def test_a_dispute_s_fee_stays_when_it_is_won(provider):
    """The bank keeps it."""
    payment = sold(provider)
    settled(provider, payment, dispute("dp", 20, fee=1500))
    settled(provider, payment, dispute("dp", 20, FAILED, fee=1500))

    assert held("assets:standin", "income:posts", FEES) == [-1480, -20, 1500]


def test_money_back_from_what_never_paid_the_order_is_unassigned(provider):
    """A refund or dispute of an unassigned charge takes it from there."""
    first = begun(provider)
    settled(provider, first, charge("ch_1", 19))
    settled(provider, first, charge("ch_1", 19), Movement(Kind.REFUND, "re", 12, "EUR", fee=0))
    settled(provider, first, dispute("dp", 7, DONE))

    assert held("assets:standin", "income:posts", UNASSIGNED) == [0, 0, 0]


def test_a_refund_of_another_figure_than_was_asked_is_unassigned(provider):
    """Which lines it belongs to is for a person to say."""
    payment = sold(provider)
    provider.act = lambda payment, action, key: paid(
        payment, Movement(Kind.REFUND, "re", 15, "EUR", fee=0, asked=key)
    )
    checkout.refund(payment.order, {1: 20}, actor="cli", reason="asked")

    assert held("assets:standin", "income:posts", UNASSIGNED) == [5, -20, 15]


def test_a_refund_that_is_pending_moves_nothing_yet(provider):
    """It is booked when it is done, from the lines that were named."""
    payment = sold(provider, *taxed())
    provider.act = lambda payment, action, key: paid(
        payment, Movement(Kind.REFUND, "re", 61, "EUR", PENDING, fee=0, asked=key)
    )
    refund = checkout.refund(payment.order, {1: 61}, actor="cli", reason="asked")
    assert refund.state == "asked"
    assert held("income:posts", "liabilities:vat:IT") == [-100, -22]
    settled(provider, payment, Movement(Kind.REFUND, "re", 61, "EUR", DONE, fee=0, asked=refund.id))

    assert held("income:posts", "liabilities:vat:IT", "assets:standin") == [-50, -11, 61]
    assert [one.state for one in records.refunds(payment)] == ["done"]


@pytest.mark.parametrize("spent", [0, 120, 500])
def test_what_a_reversal_cannot_take_from_a_purse_becomes_a_claim(provider, spent):
    """The provider took all of it back; the reader owes what it spent."""
    purse = f"liabilities:purse:{READER.holder}"
    payment = sold(provider, Line("Top-up", eur(500), purse))
    with transaction():
        booking.post(
            "spend", [Leg(purse, eur(spent)), Leg("income:posts", eur(-spent))], reason="test"
        )
    settled(provider, payment, charge("ch", 500, status=FAILED))

    assert held("assets:standin", purse, CLAIMS + READER.holder) == [0, 0, spent]


@settings(deadline=None, max_examples=60)
@given(worth=st.integers(1, 5000), tax=st.integers(0, 5000), back=st.integers(0, 5000))
def test_what_goes_back_of_a_line_comes_to_the_cent(worth, tax, back):
    """Its parts follow in proportion; when all of it went back every account is at nothing."""
    order = Order("gst_x", (), "EUR").with_lines(taxed(minor=worth, tax=min(tax, worth)))
    some, whole = (booking.parts(order, 1, minor) for minor in (min(back, worth), worth))

    assert sum(leg.amount.minor for leg in some) == min(back, worth)
    assert [(leg.account, leg.amount) for leg in whole] == [
        (line.account, line.amount) for line in order.lines
    ]


@pytest.mark.parametrize("steps", [*itertools.permutations(["dispute", "bounce", "refund"])])
def test_the_shares_of_lines_do_not_depend_on_what_was_known_first(provider, steps):
    """A dispute takes its share of what refunds leave, also of those that are known later."""
    payment = sold(provider, *taxed(), Line("Tip", eur(61), "income:tips"))
    asked = [
        checkout.refund(payment.order, {number: 61}, actor="cli", reason="asked").id
        for number in (1, 4)
    ]
    first, second = (Movement(Kind.REFUND, f"re_{id}", 61, "EUR", fee=0, asked=id) for id in asked)
    bounced = replace(second, status=FAILED)
    told = {"dispute": dispute("dp", 61), "bounce": bounced, "refund": first}
    for step in steps:
        settled(provider, payment, told[step])

    assert held("income:posts", "liabilities:vat:IT", "income:tips", UNASSIGNED) == [
        -25, -6, -30, 0,
    ]  # fmt: skip


def test_a_charge_that_fails_after_something_went_back_leaves_that_unassigned(provider):
    """The lines earned nothing in the end; what left the till is nobody's yet."""
    payment = sold(provider)
    checkout.refund(payment.order, {1: 5}, actor="cli", reason="asked")
    settled(provider, payment, charge("ch", 20, status=FAILED))

    assert held("assets:standin", "income:posts", UNASSIGNED) == [-5, 0, 5]


def test_a_dispute_that_is_won_repays_the_claim_that_it_raised(provider):
    """What the reader had spent is theirs again, and so is what they had left."""
    purse = f"liabilities:purse:{READER.holder}"
    payment = sold(provider, Line("Top-up", eur(500), purse))
    with transaction():
        booking.post("spend", [Leg(purse, eur(120)), Leg("income:posts", eur(-120))], reason="test")
    settled(provider, payment, dispute("dp", 500))
    assert held(purse, CLAIMS + READER.holder) == [0, 120]
    settled(provider, payment, dispute("dp", 500, FAILED))

    assert held(purse, CLAIMS + READER.holder) == [-380, 0]
