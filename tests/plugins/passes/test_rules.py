"""The rules by themselves: whatever was spent, no price turns, and nothing counts twice."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import Grant, Line, Money, Order
from plugins.passes import pricing, selling
from plugins.passes.rules import BoughtCounts, Context, DayCap, Price, Spent, SpentCounts, discounts

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
MONTH = timedelta(days=30)
RULES = (DayCap(200), SpentCounts(MONTH, MONTH), BoughtCounts())
SPENT = st.lists(st.builds(
    Spent, st.sampled_from(["ord_1", "ord_2", "ord_3"]), st.integers(1, 3), st.just("post:a"),
    minor=st.integers(0, 400), at=st.integers(-45 * 24, 0).map(lambda h: NOON + timedelta(hours=h)),
    counted=st.integers(0, 400), tags=st.sampled_from([frozenset(), frozenset({"essays"})]),
    open=st.booleans(),
), max_size=8, unique_by=lambda one: (one.order, one.line))  # fmt: skip
PRICES = st.lists(
    st.builds(
        lambda minor, what: Price(minor, *what), st.integers(0, 900),
        st.sampled_from([
            ("post:b", None), ("post:c", None), ("passes:all", MONTH), ("passes:all", MONTH / 30),
            ("passes:tag:essays", None), ("seat:1", None),
        ]),
    ),
    min_size=1, max_size=5,
)  # fmt: skip


@given(SPENT, PRICES, st.permutations(RULES))
def test_whatever_was_spent_prices_stay_above_nothing_and_nothing_counts_twice(
    spent, prices, rules
):
    """Never below zero, never above the cap for a day, never more credit than was spent."""
    context = Context(NOON, tuple(spent))
    found = discounts(prices, rules, context)
    paid = [p.minor - sum(one.minor for one in off) for p, off in zip(prices, found, strict=True)]
    singly = sum(
        minor for price, minor in zip(prices, paid, strict=True) if price.key.startswith("post:")
    )
    counted: Counter[tuple[str, int]] = Counter()
    for off in found:
        for one in off:
            assert one.minor > 0
            if one.rule != "cap":
                assert one.minor == sum(minor for *_, minor in one.counts)
            counted.update({(order, line): minor for order, line, minor in one.counts})

    assert min(paid) >= 0
    assert singly <= max(0, 200 - context.today)
    assert counted <= Counter({(one.order, one.line): one.left for one in spent})
    untouched = [p for p, off in zip(prices, found, strict=True) if not off]
    assert all(p in untouched for p in prices if p.key == "seat:1" or p.lasts == MONTH / 30)


@pytest.mark.parametrize(("spent", "price", "costs"), [
    (0, 20, 20), (0, 500, 200), (150, 80, 50), (180, 20, 20), (200, 20, 0), (260, 20, 0),
])  # fmt: skip
def test_the_text_that_passes_the_cap_costs_the_rest(spent, price, costs):
    """After it everything costs nothing, and what was spent yesterday is no part of today."""
    yesterday = NOON - timedelta(days=1)
    known = tuple(
        Spent(f"ord_{minor}", 1, "post:a", minor, at)
        for minor, at in ((spent, NOON), (900, yesterday))
    )
    (off,) = discounts([Price(price, "post:b")], RULES, Context(NOON, known))

    assert price - sum(one.minor for one in off) == costs


@given(
    price=st.integers(1, 10_000), tax=st.integers(0, 5_000), off=st.integers(1, 10_000),
    tithe=st.integers(0, 1_000),
)  # fmt: skip
def test_the_tax_in_a_price_follows_what_is_taken_off(price, tax, off, tithe):
    """Each account that earns by a line gives its share, and together they give all of it."""
    part = {"part_of": 1, "tax_class": "standard"}
    tax, tithe, off = min(tax, price // 2), min(tithe, price // 4), min(off, price)
    order = Order("gst_a", (), "EUR").with_lines((
        Line("Text", Money(price, "EUR"), "income:posts", (Grant("post:a"),), None, "standard"),
        Line("Tax", Money(-tax - tithe, "EUR"), "income:posts", **part),
        Line("Tax", Money(tax, "EUR"), "liabilities:vat:IT", **part),
        Line("Tithe", Money(tithe, "EUR"), "liabilities:tithe", **part),
    ))  # fmt: skip
    given_ = [pricing.Discount(off, "bought")]
    made = order.with_lines(pricing._lines(order, order.lines[0], price, given_))
    left: Counter[str] = Counter()
    for line in made.lines:
        left[line.account] += line.amount.minor

    assert made.total.minor == price - off
    assert all(line.part_of == 1 for line in made.lines[1:])
    assert abs(left["liabilities:vat:IT"] - tax * (price - off) / price) <= 0.5
    assert abs(left["liabilities:tithe"] - tithe * (price - off) / price) <= 0.5
    assert off < price or not any(left.values())


def test_a_bundle_that_cannot_be_read_does_not_take_the_others_along(caplog):
    """It is logged by name and left out, as is a price in another currency."""
    found = selling.bundles("essays = much\nlong = 5.00 EUR\nold = 5.00 USD", "EUR")

    assert found == {"long": Money(500, "EUR")}
    assert "essays" in caplog.text
    assert "old" in caplog.text
