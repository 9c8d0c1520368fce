"""Money that was changed into another currency is booked the same, however it is told.

A charge, its refunds and a dispute, settled with their fees in another currency: reported in any
order and as often as anybody likes, the books end the same and balance in each currency.
"""

from __future__ import annotations

import itertools
import os
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import checkout
from core.checkout import booking
from core.orders import Line
from core.payments import Kind, Movement, Status
from core.storage import execute
from core.verify import verify
from tests.stand_in import StandIn, begun, eur, paid, plugged

pytestmark = pytest.mark.proof
PENDING, DONE, FAILED = Status.PENDING, Status.DONE, Status.FAILED
EXAMPLES = 20 * int(os.environ.get("OBOLO_PROOF_FACTOR", "1"))
NUMBERS = itertools.count()
INTO = st.sampled_from(["USD", "JPY", "KWD"])


@pytest.fixture
def provider(db):
    stand_in = StandIn()
    with plugged(stand_in):
        yield stand_in


def told(movement, currency, settled, fee):
    """Return how one movement becomes known: bare, then what it came to, then its fee too."""
    known = replace(movement, settled_minor=settled, settled_currency=currency)
    return [movement, known, replace(known, fee=fee, fee_currency=currency)]


@st.composite
def histories(draw):
    """Return reports in an order in which a provider could never have told them, with repeats."""
    number, currency = next(NUMBERS), draw(INTO)
    gross = draw(st.integers(100, 5000))
    rate = draw(st.integers(50, 2000))
    reports = []

    def movement(kind, name, minor, ends):
        id = f"{name}_{number}"
        settled, fee = max(1, minor * rate // 100), draw(st.integers(0, 80))
        end = draw(st.sampled_from(ends))
        first = Movement(kind, id, minor, "EUR", PENDING)
        last = told(replace(first, status=end), currency, settled, fee)
        reports.extend([first, *last])

    movement(Kind.CHARGE, "ch", gross, [DONE])
    left = gross
    for n in range(draw(st.integers(0, 2))):
        minor = draw(st.integers(1, max(1, left // 2)))
        movement(Kind.REFUND, f"re{n}", minor, [DONE, FAILED])
        left -= minor
    if draw(st.booleans()):
        movement(Kind.DISPUTE, "dp", draw(st.integers(1, left)), [PENDING, DONE, FAILED])
    one = draw(st.permutations(reports))
    again = draw(st.lists(st.sampled_from(reports), max_size=5))
    return gross, reports, [*one, *again]


def booked(provider, gross, reports, mark):
    """Return what the books hold of an order after these reports, by account and currency."""
    payment = begun(provider, Line("Book", eur(gross), "income:books"))
    for one in reports:
        named = replace(one, id=f"{one.id}_{mark}")
        checkout.settle(provider, payment.id, paid(payment, named))
    rows = execute(
        "SELECT account, currency, SUM(minor) FROM ledger_leg JOIN ledger_entry ON id = entry_id "
        "WHERE order_id = ? GROUP BY account, currency HAVING SUM(minor) <> 0",
        [payment.order],
    ).fetchall()
    return {(account, currency): int(minor) for account, currency, minor in rows}


def per_currency(sums):
    """Return what all accounts come to in each currency: nothing, where it balances."""
    return {
        currency: sum(minor for (_, other), minor in sums.items() if other == currency)
        for _, currency in sums
    }


def test_any_order_and_repetition_books_the_same(provider):
    """Against the order in which things happened; what crossed is balanced in each currency."""

    @settings(
        max_examples=EXAMPLES, deadline=None, database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )  # fmt: skip
    @given(histories())
    def hold(history):
        gross, straight, shuffled = history
        first = booked(provider, gross, straight, "a")
        second = booked(provider, gross, shuffled, "b")

        assert first == second
        assert set(per_currency(first).values()) <= {0}

    hold()
    assert verify() == []


def test_weak_twin_that_books_each_report_whole_is_caught(provider, monkeypatch):
    """What is told three times is in the books three times, unless only the difference is."""
    charge = Movement(Kind.CHARGE, "ch", 100, "EUR", DONE)
    reports = told(charge, "USD", 108, 5)
    good = booked(provider, 100, reports, "a")
    monkeypatch.setattr(booking, "difference", lambda now, before: [*now])

    assert good != booked(provider, 100, reports, "b")
