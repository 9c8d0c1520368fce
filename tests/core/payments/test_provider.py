"""What a provider is asked and answers, and in what an answer may be wrong."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.money import Money
from core.payments import (
    Facts,
    Kind,
    Movement,
    Payment,
    ProviderRefused,
    ProviderUnknown,
    State,
    Status,
    wrong,
)
from tests.stand_in import charge, eur

quick = settings(deadline=None, max_examples=60)
PAYMENT = Payment("pay_1", "ord_1", "standin", "live", eur(20))


def report(*movements, **fields):
    return Facts("r", State.PAID, movements, **fields)


@pytest.mark.parametrize(
    ("facts", "problem"),
    [
        (Facts(""), ""),
        (report(), ""),
        (report(charge("c", 20)), ""),
        (report(charge("c", 20), reference="pay_1", payee="shop", mode="live"), ""),
        (report(charge("c", 20), reference="pay_2"), "reference"),
        (report(charge("c", 20), reference=""), "reference"),
        (report(charge("c", 20), payee="somebody"), "payee"),
        (report(charge("c", 20), mode="test"), "mode"),
        (report(charge("c", 20, "USD")), "currency"),
        (report(charge("c", 19)), "amount"),
        (report(charge("c", 21)), "amount"),
        (report(charge("a", 10), charge("b", 10)), "amount"),
        (report(charge("a", 20), charge("b", 7)), ""),
        (report(charge("a", 20, "USD"), charge("b", 20)), ""),
        (report(charge("c", 19, status=Status.PENDING)), ""),
        (report(charge("c", 19, status=Status.FAILED)), ""),
        (report(Movement(Kind.REFUND, "r", 7, "USD")), ""),
    ],
)
def test_facts_are_compared_with_what_was_asked(facts, problem):
    """Reference, payee, mode, currency and amount; what is not told is not wrong."""
    assert wrong(PAYMENT, facts, "shop") == problem


def test_the_gravest_difference_is_named():
    """Money for another payment or payee is not judged by its amount."""
    facts = report(charge("c", 1, "USD"), reference="pay_2", payee="x", mode="test")

    assert wrong(PAYMENT, facts, "shop") == "reference"


@quick
@given(
    minor=st.integers(0, 50),
    currency=st.sampled_from(["EUR", "USD"]),
    status=st.sampled_from(Status),
)
def test_one_done_charge_is_right_only_with_the_very_amount(minor, currency, status):
    """Neither more nor less, nor the same figure in another currency."""
    facts = report(Movement(Kind.CHARGE, "c", minor, currency, status))
    right = (minor, currency) == (20, "EUR") or status is not Status.DONE

    assert (wrong(PAYMENT, facts, "shop") == "") is right


def test_a_new_payment_knows_nothing_yet():
    """Its facts are empty, its time is now, and two do not share them."""
    one, other = (Payment(id, "o", "p", "live", Money(1, "EUR")) for id in "ab")

    assert one.facts == Facts("") == other.facts
    assert (one.facts.state, one.ref, one.wrong, one.looks) == (State.NEW, None, "", 0)
    assert one.created.utcoffset().total_seconds() == 0


def test_refused_and_unknown_are_two_things():
    """A no is for sure and ends the try; not knowing is safe to ask again."""
    assert (ProviderRefused("").status, ProviderUnknown("").status) == (409, 503)
    assert not issubclass(ProviderRefused, ProviderUnknown)
    assert not issubclass(ProviderUnknown, ProviderRefused)
