"""What readers owe: a payment that was taken back after it was spent."""

from __future__ import annotations

from core import checkout
from core.figures import claimed, claims_of_all
from core.orders import Line
from core.payments import Status
from core.people import Reader
from tests.stand_in import changed, dispute, eur, post_line

LIVE = {"mode": "live", "currency": "EUR"}


def test_a_claim_names_who_owes_for_which_order_and_whether_it_is_lost(shop):
    """Open while the bank decides; lost when it did; gone when the dispute is won."""
    buyer = Reader("gst_ada", ("gst_ada",))
    first = shop.sell(2, Line("Top-up", eur(500), "liabilities:purse:gst_ada"), who="ada")
    checkout.buy(buyer, (post_line(120, "post:x"),), "purse")
    assert (claims_of_all(**LIVE), claimed(**LIVE)) == ([], eur(0))

    changed(shop.card, first, dispute("dp_1", 500))
    checkout.refresh(first.id)
    (found,) = claims_of_all(**LIVE)
    changed(shop.card, first, dispute("dp_1", 500, Status.DONE))
    checkout.refresh(first.id)
    (lost,) = claims_of_all(**LIVE)

    assert (found.holder, found.amount, found.orders) == ("gst_ada", eur(120), (first.order,))
    assert (found.is_open, lost.is_open) == (True, False)
    assert lost.since == found.since
    assert claimed(**LIVE) == eur(120)
    assert claims_of_all(mode="test", currency="EUR") == []


def test_a_claim_that_was_settled_before_is_no_part_of_the_next_one(shop):
    """Won: nothing is owed. What is owed since names only what was taken back since."""
    buyer = Reader("gst_ada", ("gst_ada",))
    payments = [
        shop.sell(2, Line("Top-up", eur(300), "liabilities:purse:gst_ada"), who="ada")
        for _ in range(2)
    ]
    checkout.buy(buyer, (post_line(600, "post:x"),), "purse")
    for payment, statuses in zip(
        payments, ((Status.PENDING, Status.FAILED), (Status.PENDING,)), strict=True
    ):
        for status in statuses:
            changed(shop.card, payment, dispute(f"dp_{payment.id}", 300, status))
            checkout.refresh(payment.id)
    (found,) = claims_of_all(**LIVE)

    assert (found.amount, found.orders) == (eur(300), (payments[1].order,))
