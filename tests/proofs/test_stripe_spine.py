"""The way of the money holds by Stripe too: killed, raced, repeated and reordered, it charges once.

The large proofs use play money, which keeps a log of its own; this is the same in small.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from flask import Flask
from flask.testing import FlaskClient

from core import crashpoints, limits, storage
from core.clock import now
from core.reconcile import reconcile
from core.storage import execute
from core.testing import browser_of
from core.verify import verify
from tests.plugins.posts.texts import bring, write
from tests.plugins.stripe.fake_server import KEY, SECRET, Stand, running

pytestmark = [
    pytest.mark.proof,
    pytest.mark.xdist_group("stripe"),
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]
PLACES = (
    "intent-stored", "provider-begun", "ref-stored", "settle-joined", "settle-booked",
    "settle-saved", "settle-committed",
)  # fmt: skip


class Killed(BaseException):
    """The process died here."""


@dataclass
class Shop:
    """A site that sells one post by Stripe, a reader, and the stand-in."""

    app: Flask
    client: FlaskClient
    stand: Stand

    def orders(self) -> str:
        """Take the offer; return the visit at Stripe, or nothing when the post is open."""
        form = {"resource": "post:closed", "offer": "paywall", "return_to": "/closed"}
        location = self.client.post("/checkout/offer", data=form).location
        return location.rpartition("/")[2] if "/c/pay/" in location else ""

    def returns(self, visit: str) -> None:
        """Come back from Stripe."""
        self.client.get(self.stand.fake.things[visit]["success_url"])

    def hears(self, number: int) -> int:
        """Get one of Stripe's messages."""
        header, body = self.stand.fake.delivery(self.stand.fake.events[number], SECRET)
        headers = {"Stripe-Signature": header, "Content-Type": "application/json"}
        return self.app.test_client().post("/webhooks/stripe", data=body, headers=headers,
                                           buffered=True).status_code  # fmt: skip

    def judge(self) -> None:
        """One charge, one entry for it and one for its fee, one order paid, one key granted."""
        charges = [c for c in self.stand.fake.of_kind("charge") if c["status"] == "succeeded"]
        booked = execute("SELECT key FROM ledger_entry ORDER BY key").fetchall()
        charge = f"stripe:charge:{charges[0]['id']}"

        assert len(charges) == 1
        assert [row[0] for row in booked] == [charge, f"{charge}:fee"]
        assert [r[0] for r in execute("SELECT state FROM orders_order WHERE state = 'paid'")] == [
            "paid"
        ]
        assert "Only for those who paid." in self.client.get("/closed").text
        assert verify() == []
        assert self.stand.wrong == []


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    with running() as one:
        yield one


@pytest.fixture
def shop(make_site: Any, tmp_path: Any, stand: Stand) -> Shop:
    stand.fake.things.clear()
    stand.fake.events.clear()
    settings = {
        "stripe.secret_key": KEY, "stripe.webhook_secret": SECRET, "stripe.api_url": stand.url,
    }  # fmt: skip
    app = make_site("posts", "paywall", "stripe", settings=settings)
    limits.set_key(bytes(32), factor=100_000)
    text = "For all.\n\n<!-- more -->\n\nOnly for those who paid.\n"
    write(tmp_path / "texts", "closed", text, price="1.00 EUR")
    bring(app, tmp_path / "texts")
    return Shop(app, browser_of(app), stand)


def dying_at(place: str) -> Any:
    """Let the process die at a place, once."""
    left = [place]

    def arrive(name: str) -> None:
        if name in left:
            left.remove(name)
            raise Killed(name)

    return patch.object(crashpoints, "arrive", arrive)


@pytest.mark.parametrize("place", PLACES)
def test_a_kill_anywhere_ends_in_one_charge(shop, place):
    """The reader tries again, nobody comes back, and a task finds out what became of it."""
    with dying_at(place):
        visit = ""
        while not visit:
            with suppress(Killed):
                visit = shop.orders()
        shop.stand.fake.person(visit, "pay")
        with suppress(Killed):
            shop.returns(visit)
    for minutes in (2, 15, 90):
        reconcile(now() + timedelta(minutes=minutes))

    shop.judge()


def test_messages_and_returns_race_and_settle_once(shop):
    """Eight at once, each message twice and in the wrong order, beside the reader's return."""
    visit = shop.orders()
    shop.stand.fake.person(visit, "decline")
    shop.stand.fake.person(visit, "pay")
    numbers = [*reversed(range(len(shop.stand.fake.events)))] * 2

    def act(number: int) -> int:
        try:
            if number < 0:
                shop.returns(visit)
                return 204
            return shop.hears(number)
        finally:
            storage.close()

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(act, [*numbers, -1, -1, *numbers]))
    reconcile(now() + timedelta(minutes=2))

    assert set(statuses) == {204}
    shop.judge()
