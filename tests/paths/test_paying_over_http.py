"""The way of the money over HTTP, with play money and a plugin of thirty lines."""

from __future__ import annotations

from types import ModuleType

import pytest

from core import Gate, Grant, Line, Money, Offer, hookimpl
from core.ledger import balance
from core.plugins import loaded
from core.storage import execute
from core.verify import verify
from tests.conftest import browser_of


@pytest.fixture
def site(make_site):
    app = make_site("playmoney", settings={"checkout.allow_loss": True})
    shop = ModuleType("shop")

    @hookimpl
    def guard(resource):
        line = Line("Read this post", Money(20, "EUR"), "income:posts", (Grant(resource),))
        return Gate(frozenset({resource}), lambda: (Offer("paywall", "Read", (line,)),))

    shop.guard = guard
    loaded().add("shop", shop)
    yield app
    assert verify() == []


@pytest.fixture
def client(site):
    return browser_of(site)


def take_offer(client):
    form = {"resource": "post:hello", "offer": "paywall", "return_to": "/hello"}
    return client.post("/checkout/offer", data=form)


def test_a_reader_pays_on_the_banks_page_and_comes_back(client):
    """Offer, bank, return: the order is settled by what the bank says, not by the return."""
    to_bank = take_offer(client)
    assert to_bank.status_code == 303
    page = client.get(to_bank.location)
    assert page.status_code == 200
    back = client.post(to_bank.location, data={"how": "pay"})
    done = client.get(back.location)

    assert done.status_code == 303
    assert done.location == "/hello"
    assert balance("income:posts", "EUR", "test").minor == -20
    assert execute("SELECT state FROM orders_order").fetchone()[0] == "paid"


@pytest.mark.parametrize("how", ["decline", "cancel"])
def test_what_is_not_paid_opens_nothing_and_says_so(client, how):
    """Declined and cancelled ways end in a clear page and no entitlement."""
    to_bank = take_offer(client)
    back = client.post(to_bank.location, data={"how": how})
    page = client.get(back.location)

    assert page.status_code == 200
    assert b"Nothing was taken" in page.data
    assert execute("SELECT COUNT(*) FROM entitlements_entitlement").fetchone()[0] == 0


def test_an_order_is_nobody_elses(client, site):
    """Another browser finds no such order."""
    back = client.post(take_offer(client).location, data={"how": "decline"})

    assert browser_of(site).get(back.location).status_code == 404


def test_a_form_of_another_site_is_refused(site):
    """A change needs the site's own origin; one that says nothing is refused too."""
    form = {"resource": "post:hello", "offer": "paywall", "return_to": "/hello"}
    client = site.test_client()
    for headers in (
        {},
        {"Origin": "http://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "null"},
    ):
        assert client.post("/checkout/offer", data=form, headers=headers).status_code == 403

    assert execute("SELECT COUNT(*) FROM orders_order").fetchone()[0] == 0


def test_a_public_page_sets_no_cookie(client):
    """A guest gets a holder by the first POST, never by a GET."""
    assert "Set-Cookie" not in client.get("/library/").headers
    assert "obolo=" in take_offer(client).headers["Set-Cookie"]


def test_every_answer_carries_the_security_headers(client):
    """Errors and files included."""
    for path in (
        "/library/",
        "/nothing",
        "/checkout/ord_none",
        "/static/core/icon.svg",
        "/webhooks/nobody",
    ):
        headers = client.get(path, buffered=True).headers
        assert headers["Content-Security-Policy"].startswith("default-src 'none'"), path
        assert headers["X-Content-Type-Options"] == "nosniff"
