"""A price that falls with age: exact, never below the floor, the same on button and order."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import BadInput
from core.clock import now
from core.ledger import balance
from core.money import Money
from core.orders import Grant, Line, Order
from core.plugins import ResourceCard
from core.storage import execute
from core.testing import sqlite_url
from core.testing.trying import PlayMoney
from core.verify import verify
from plugins.prices import falling
from plugins.prices.falling import Step, left_of, read, step_at

STEPS = "30 = 50\n365 = 20 %"
POST = "post:old"


@given(
    minor=st.integers(1, 10**7), percent=st.integers(1, 99), floor=st.integers(1, 500),
    more=st.integers(0, 99),
)  # fmt: skip
def test_a_price_never_falls_below_the_floor_and_never_rises(minor, percent, floor, more):
    """What is left lies between floor and price, is rounded by half a cent at most, and ordered."""
    left = left_of(minor, percent, floor)

    assert 0 < min(minor, floor) <= left <= minor
    assert left == min(minor, floor) or abs(left * 100 - minor * percent) <= 50
    assert left <= left_of(minor, min(100, percent + more), floor)


def test_steps_are_read_or_refused_whole():
    """Each comes later and costs less; a line that is none is named."""
    assert read(STEPS) == (Step(30, 50), Step(365, 20))
    assert read("\n \n") == ()
    for wrong in ("30", "30 = 0", "30 = 100", "0 = 50", "30 = 50\n20 = 40", "9 = 50\n10 = 60", "x"):
        with pytest.raises(BadInput):
            read(wrong)
    assert falling._steps("30") == ()


def test_a_step_counts_from_its_day_on():
    """The day before it the price is whole; the last step that has come counts."""
    at, steps = now(), read(STEPS)
    found = [step_at(steps, at - timedelta(days=days), at) for days in (0, 29, 30, 364, 365)]

    assert found == [None, None, steps[0], steps[0], steps[1]]


@pytest.fixture
def database_url(template, tmp_path):
    return sqlite_url(template, tmp_path)


@pytest.fixture
def app(make_site):
    yield make_site(
        "paywall", "prices", "playmoney",
        settings={"prices.steps": STEPS, "checkout.allow_loss": True},
    )  # fmt: skip
    assert verify() == []


def describe(cards, days):
    cards.add(ResourceCard(
        resource=POST, kind="post", title="An old text", url="/old", language="en",
        published=now() - timedelta(days=days), fields={"price": "5.01 EUR"},
    ))  # fmt: skip


def test_button_order_and_books_say_the_same(client, cards):
    """The discount is a line of the order; what is earned is what was paid."""
    describe(cards, 31)
    page = client.get(f"/go/{POST}").text
    machine = client.get("/embed/post:old.svg").text
    PlayMoney().pay(client, client.post("/checkout/offer", data={
        "resource": POST, "offer": "paywall", "return_to": "/library/",
    }))  # fmt: skip

    assert "Pay €2.51" in page
    assert "2.51" in machine
    lines = execute("SELECT label, minor, part_of FROM orders_line ORDER BY number").fetchall()
    assert lines == [
        ("An old text", 501, None), ("Less, for it is older than 30 days", -250, 1),
    ]  # fmt: skip
    assert balance("income:posts", "EUR", "test").minor == -251


def test_a_new_text_and_a_wrong_step_cost_the_whole_price(client, cards, monkeypatch):
    """Nothing falls by a guess; health says which line is wrong."""
    describe(cards, 3)
    assert "Pay €5.01" in client.get(f"/go/{POST}").text
    describe(cards, 400)
    assert "Pay €1.00" in client.get(f"/go/{POST}").text
    monkeypatch.setenv("OBOLO_PRICES__STEPS", "30 = half")
    assert "Pay €5.01" in client.get(f"/go/{POST}").text

    (health,) = falling.health()
    assert not health.ok
    assert "30 = half" in str(health)


@given(
    price=st.integers(1, 5_000), before=st.integers(0, 5_000), percent=st.integers(1, 99),
    floor=st.integers(1, 100),
)  # fmt: skip
def test_what_others_took_off_before_counts(price, before, percent, floor):
    """Together they take no more than leaves the floor, and what was below it stays as it was."""
    whole = Line("A text", Money(price, "EUR"), "income:posts", (Grant(POST),), number=1)
    taken = Line("Less", Money(-min(before, price), "EUR"), "income:posts", part_of=1, number=2)
    order = Order("gst_1", (whole, taken), "EUR")
    card = ResourceCard(POST, "post", "A text", "/", published=now() - timedelta(days=2))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(falling, "card_of", lambda resource: card)
        patched.setattr(
            falling, "value", {"prices.steps": f"1 = {percent}", "prices.floor": floor}.__getitem__
        )
        patched.setattr(falling, "gettext", lambda words, **_: words)
        total = order.with_lines(falling.discounts(order)).total.minor

    assert min(price, floor, order.total.minor) <= total <= order.total.minor
