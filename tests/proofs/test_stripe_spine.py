"""The way of the money holds by Stripe too: killed at each place in turn, it charges once.

`tests.proofs.kill --provider stripe` kills a real process; here each place is met for certain.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from flask import Flask
from flask.testing import FlaskClient

from core import crashpoints, limits
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
    write(tmp_path / "texts", "closed", text, price="5.00 EUR")
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
        for _ in range(2):  # whoever is cut off presses again
            with suppress(Killed):
                visit = visit or shop.orders()
        shop.stand.fake.person(visit, "pay")
        with suppress(Killed):
            shop.returns(visit)
    for minutes in (2, 15, 90):
        reconcile(now() + timedelta(minutes=minutes))

    shop.judge()
