"""The tip jar: amounts on buttons, an amount of one's own, thanks, an embed."""

from __future__ import annotations

import pytest

from core import draw_embed
from core.ledger import balance
from core.storage import execute
from core.verify import verify
from tests.conftest import browser_of


@pytest.fixture
def site(make_site):
    yield make_site("tipjar", "playmoney")
    assert verify() == []


@pytest.fixture
def client(site):
    return browser_of(site)


def pay(client, **form):
    to_bank = client.post("/x/tipjar/", data={"back": "/hello", **form})
    back = client.post(to_bank.location, data={"how": "pay"})
    return client.get(back.location)


@pytest.mark.parametrize(("form", "minor"), [({"minor": "500"}, 500), ({"own": "3.50"}, 350)])
def test_a_tip_is_paid_and_thanked_for(client, form, minor):
    """One of the amounts or one's own earns income:tips, and the thanks lead back."""
    done = pay(client, **form)

    assert done.location == "/x/tipjar/thanks?back=/hello"
    assert balance("income:tips", "EUR", "test").minor == -minor
    assert b'href="/hello"' in client.get(done.location).data


def test_an_amount_is_read_in_the_readers_language(client):
    """`3,50` is three euro and a half in Italian."""
    client.set_cookie("language", "it")
    pay(client, own="3,50")

    assert balance("income:tips", "EUR", "test").minor == -350


@pytest.mark.parametrize(
    "form",
    [
        {"minor": "1"}, {"minor": "-200"}, {"minor": "999999999999"}, {"minor": "٢٠٠"},
        {"own": "0"}, {"own": "21"}, {"own": "abc"}, {"own": "1.234"}, {"own": "NaN"}, {},
    ],
)  # fmt: skip
def test_an_amount_that_cannot_be_is_refused_in_words(client, form):
    """Bad input gets a clear error and makes no order."""
    answer = client.post("/x/tipjar/", data=form)

    assert answer.status_code == 400
    assert execute("SELECT COUNT(*) FROM orders_order").fetchone()[0] == 0


def test_the_price_is_part_of_each_buttons_name(client):
    """A button that costs money says so, and how much."""
    page = client.get("/x/tipjar/").get_data(as_text=True)

    assert "Pay €2.00 as a tip" in page


def test_the_embed_offers_the_one_amount_it_names(site):
    """`{{ tipjar amount=250 }}` draws one button and the field for another amount."""
    with site.test_request_context("/hello"):
        drawn = draw_embed("tipjar", {"amount": "250"})

    assert drawn.count('name="minor"') == 1
    assert 'value="250"' in drawn
    assert 'value="/hello"' in drawn


def test_an_embed_of_a_plugin_that_is_off_draws_nothing(make_site):
    """A directive whose plugin is off leaves no trace for readers."""
    site = make_site("playmoney")
    with site.test_request_context("/hello"):
        assert draw_embed("tipjar", {}) == ""


def test_the_thanks_lead_nowhere_else(client):
    """An address of another site is not taken over into the page."""
    page = client.get("/x/tipjar/thanks?back=//evil.example").get_data(as_text=True)

    assert 'href="/"' in page
    assert 'href="//' not in page
