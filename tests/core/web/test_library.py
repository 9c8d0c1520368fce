"""What a reader holds, and the receipts for it."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from core import checkout
from core.entitlements import Entitlement, set_states
from core.ledger import Leg, declare_bounds, post
from core.payments import methods, records
from core.people import Reader
from core.plugins import catalogue
from core.storage import transaction
from core.web.library import best_of
from tests.conftest import browser_of
from tests.stand_in import PURSE, Instant, eur, post_line


@pytest.fixture
def site(make_site):
    app = make_site()
    catalogue.providers["purse"] = Instant()
    declare_bounds(PURSE)
    return app


@pytest.fixture
def client(site):
    """Return the browser of a guest who has a holder."""
    client = browser_of(site)
    client.post("/checkout/offer", data={"resource": "post:hello"})
    return client


def holder_of(client):
    cookie = client.get_cookie("obolo")
    return cookie.value.rpartition(".")[0]


@pytest.fixture
def order(client):
    """Buy a post for the guest, from a balance of one euro."""
    holder = holder_of(client)
    with transaction():
        post(
            "gift", [Leg("assets:cash", eur(100)), Leg(f"liabilities:purse:{holder}", eur(-100))],
            reason="gift",
        )  # fmt: skip
    return checkout.buy(Reader(holder, (holder,)), (post_line(),), "purse", return_to="/hello")


def test_who_holds_nothing_reads_so(site):
    """Without a cookie, and without getting one."""
    done = site.test_client().get("/library/")

    assert "Nothing yet" in done.text
    assert "Set-Cookie" not in done.headers


def test_what_is_held_is_listed_with_its_receipt(client, order):
    """The key stands for itself where nobody describes it."""
    page = client.get("/library/").text

    assert "post:hello" in page
    assert "For ever" in page
    assert f'href="/library/{order.id}"' in page


@pytest.mark.parametrize(("state", "words"), [
    ("suspended", "Paused while the payment is disputed"), ("revoked", "Given back"),
])  # fmt: skip
def test_what_is_not_open_now_says_why(client, order, state, words):
    """A dispute pauses, a refund ends."""
    with transaction():
        set_states(order.id, {1: state})

    assert words in client.get("/library/").text


def test_a_receipt_names_lines_and_total(client, order):
    """And leads back to what was bought."""
    page = client.get(f"/library/{order.id}").text

    assert "Read this post" in page
    assert "€0.20" in page
    assert 'href="/hello"' in page
    assert "play money" not in page


def test_a_receipt_shows_what_went_back(client, order):
    """A refund is a line below zero."""
    checkout.refund(order.id, {1: 5}, actor="test", reason="asked", to="purse")

    assert "-€0.05" in client.get(f"/library/{order.id}").text


def test_nobody_sees_anothers_receipt(site, order):
    """Another browser, with or without a holder, finds no such order."""
    stranger = browser_of(site)
    assert stranger.get(f"/library/{order.id}").status_code == 404
    stranger.post("/checkout/offer", data={"resource": "post:hello"})

    assert stranger.get(f"/library/{order.id}").status_code == 404
    assert "post:hello" not in stranger.get("/library/").text


def test_a_forged_cookie_holds_nothing(site, client, order):
    """The signature counts, not the name in it."""
    forger = browser_of(site)
    forger.set_cookie("obolo", f"{holder_of(client)}.forged")

    assert "Nothing yet" in forger.get("/library/").text


def test_an_open_order_has_no_receipt(client):
    """Nothing was paid yet."""
    holder = holder_of(client)
    open_order = checkout.start_order(Reader(holder, (holder,)), (post_line(),))

    assert client.get(f"/library/{open_order.id}").status_code == 404


def test_nobody_stores_what_is_private(client, order):
    """Neither a proxy nor the browser's own cache."""
    for path in ("/library/", f"/library/{order.id}"):
        assert client.get(path).headers["Cache-Control"] == "private, no-store"


def held(state, until, key="post:hello"):
    return Entitlement("ord_1", 1, key, "gst_1", state, datetime(2026, 1, 1, tzinfo=UTC), until)


def test_what_was_bought_twice_stands_there_once():
    """Of several entitlements to one key the one that opens longest is listed, in its place."""
    ever, over = held("active", None), held("revoked", None)
    soon, late = (held("active", datetime(2026, month, 1, tzinfo=UTC)) for month in (3, 9))
    other = held("active", None, "post:other")

    assert best_of([soon, other, late]) == [late, other]
    assert best_of([over, soon]) == [soon]
    assert best_of([late, ever, over]) == [ever]


def test_a_kept_way_to_pay_is_seen_and_taken_away_by_its_reader_only(site, client, order):
    """In the library, by its label; another guest finds nothing to take."""
    payment = records.find(order.payment)
    with transaction():
        methods.keep(payment, order.holder, "pm_1", "Visa 4242")
    page = client.get("/library/").text
    address = re.search(r'action="(/library/methods/[^"]+)"', page)[1]
    stranger = browser_of(site).post(address)
    done = client.post(address)

    assert "Visa 4242" in page
    assert (stranger.status_code, done.status_code) == (404, 303)
    assert "Visa 4242" not in client.get("/library/").text
    assert client.post(address).status_code == 404
