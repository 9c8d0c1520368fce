"""A few texts a month are free, by one tap that is an order of nothing."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from core import checkout, limits
from core.limits import DAY, Door, Limit
from core.money import Money
from core.orders import Grant, Line
from core.people import Reader
from core.plugins import ResourceCard
from core.storage import execute
from core.testing import browser_of
from core.verify import verify
from plugins.prices import metered
from tests.proofs.test_races import together

FREE = {"offer": "prices-free", "return_to": "/library/#opened"}
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def app(make_site):
    yield make_site("paywall", "prices", "playmoney", settings={"prices.free_a_month": 2})
    assert verify() == []


@pytest.fixture(autouse=True)
def texts(cards):
    for number in range(5):
        cards.add(ResourceCard(
            resource=f"post:{number}", kind="post", title=f"Text {number}", url=f"/{number}",
            language="en", fields={"price": "5.00 EUR"},
        ))  # fmt: skip


def take(client, number):
    return client.post("/checkout/offer", data={"resource": f"post:{number}", **FREE})


def is_open(client, number):
    return "open to you" in client.get(f"/go/post:{number}").text.partition("<form")[0]


@on_sqlite
def test_two_are_free_and_the_third_is_sold(client, clock):
    """One tap, no payment, no cookie before it; it lapses, and the count with it."""
    page = client.get("/go/post:0")
    assert "Read this one free (2 of 2 left)" in page.text
    assert "Set-Cookie" not in page.headers
    assert take(client, 0).location == "/library/#opened"
    assert take(client, 0).status_code == 303
    assert "(1 of 2 left)" in client.get("/go/post:1").text
    take(client, 1)
    third = client.get("/go/post:2").text

    assert "free" not in third
    assert "Pay €5.00" in third
    assert take(client, 2).status_code == 404
    assert is_open(client, 0)
    assert is_open(client, 1)
    clock.shift(timedelta(days=31))
    assert not is_open(client, 0)
    assert "(2 of 2 left)" in client.get("/go/post:0").text
    assert execute("SELECT COUNT(*) FROM ledger_entry").fetchone()[0] == 0


@on_sqlite
def test_a_network_takes_no_more_than_its_share(app, monkeypatch):
    """New windows are new readers; the address behind them is counted, and says so by 429."""
    door = Door(address=(Limit(3, DAY),), network=(Limit(4, DAY),), site=(Limit(9, DAY),))
    monkeypatch.setitem(limits.DOORS, "free", door)
    answers = [take(browser_of(app), 0).status_code for _ in range(4)]

    assert answers == [303, 303, 303, 429]


def five_at_once(app, holder):
    reader = Reader(holder=holder, holders=(holder,))

    def tap(number):
        line = Line("A text", Money(0, "EUR"), metered.ACCOUNT, (Grant(f"post:{number}"),))
        with app.test_request_context():
            return checkout.start_order(reader, (line,))

    return Counter(type(one).__name__ for one in together(*[lambda n=n: tap(n) for n in range(5)]))


def test_taps_at_the_same_time_are_counted_one_by_one(app, monkeypatch):
    """Of five at once two are taken; the weak twin, which counts only before, gives all."""
    monkeypatch.setattr(metered, "refusal_of", lambda *_: None)  # all five asked before any took
    assert five_at_once(app, "gst_1") == {"Order": 2, "Refused": 3}
    monkeypatch.setattr(metered, "keep_to_most", lambda order: None)

    assert five_at_once(app, "gst_2") == {"Order": 5}
