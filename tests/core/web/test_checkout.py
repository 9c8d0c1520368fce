"""What the checkout asks of people: an address for the receipt, a step-up before larger sums."""

from __future__ import annotations

import pytest

from core import checkout, settings
from core.people import contacts
from core.storage import execute
from core.verify import verify
from tests import people
from tests.conftest import ROOT, browser_of
from tests.people import EMAIL, PASSWORD, signed_in

FORM = {"resource": "bench:1", "offer": "bench", "provider": "till", "return_to": "/library/"}


@pytest.fixture
def site(make_site):
    """A site on which what the benchmark sells costs 20 cents and is settled at once."""
    folder = str(ROOT / "tests" / "bench" / "plugins")
    wished = {"checkout.allow_loss": True}
    yield make_site("till", "playmoney", plugin_folders=(folder,), settings=wished)
    assert verify() == []


@pytest.fixture
def client(site):
    return browser_of(site)


@pytest.fixture
def outbox(monkeypatch):
    return people.watched_mail(monkeypatch)


def confirm_above(minor):
    settings.save("checkout.confirm_above", minor, actor="test")


def paid():
    return execute("SELECT COUNT(*) FROM orders_order WHERE state = 'paid'").fetchone()[0]


def test_a_small_sum_needs_no_step_up(client):
    """One tap, also for somebody who signed in long ago."""
    signed_in(client, proved=False)
    answer = client.post("/checkout/offer", data=FORM)

    assert (answer.status_code, answer.headers["Location"]) == (303, "/library/")
    assert paid() == 1


def test_a_sum_above_the_owners_limit_asks_who_is_there(client):
    """The order waits; after the step-up it is paid by the same button, once."""
    confirm_above(10)
    ada = signed_in(client, proved=False, password=PASSWORD)
    order = client.post("/checkout/offer", data=FORM).headers["Location"]
    assert paid() == 0
    away = client.post(f"{order}/pay", data={"provider": "till"})
    assert away.headers["Location"].startswith("/account/confirm")
    assert paid() == 0
    ada.post("/account/confirm", secret=PASSWORD, to=order)
    client.post(f"{order}/pay", data={"provider": "till"})

    assert paid() == 1


def test_a_guest_has_nothing_to_confirm_by(client):
    """Whoever holds the browser is all that is known."""
    confirm_above(10)
    client.post("/checkout/offer", data=FORM)

    assert paid() == 1


def test_the_receipt_goes_where_a_user_reads_mail(client, outbox):
    """With lines, total, order and the way back; unless they do not want any."""
    ada = signed_in(client)
    client.post("/checkout/offer", data=FORM)
    letter = outbox.last(EMAIL)
    assert "€0.20" in letter.subject
    assert "/sign-in" in letter.body
    outbox.clear()
    ada.post("/account/", name="", language="en")
    client.post("/checkout/offer", data={**FORM, "resource": "bench:2"})

    assert paid() == 2
    assert outbox.letters == []


def test_a_guest_names_an_address_before_paying(site, client, outbox):
    """On the page of the order; the receipt goes there, and nobody else can name one."""
    confirm_above(0)
    client.post("/checkout/offer", data={**FORM, "provider": ""})
    order = execute("SELECT id, holder FROM orders_order").fetchone()
    page = f"/checkout/{order[0]}"
    assert browser_of(site).post(f"{page}/contact", data={"email": EMAIL}).status_code == 404
    assert client.post(f"{page}/contact", data={"email": "nothing"}).status_code == 400
    answer = client.post(f"{page}/contact", data={"email": EMAIL})

    assert (answer.status_code, answer.headers["Location"]) == (303, page)
    assert contacts.of_holder(order[1]) == (EMAIL, "en")
    assert EMAIL in client.get(page).text
    client.post(f"{page}/pay", data={"provider": "till"})
    assert outbox.last(EMAIL).holder == order[1]


def test_a_user_gives_no_second_address_for_receipts(client):
    """Theirs is proved."""
    confirm_above(0)
    signed_in(client, proved=False)
    order = client.post("/checkout/offer", data=FORM).headers["Location"]

    assert client.post(f"{order}/contact", data={"email": EMAIL}).status_code == 403
    assert checkout.recipient("gst_nobody") is None


def test_the_only_way_is_no_way_round_the_step_up(make_site):
    """What is begun at once elsewhere waits here for who is there."""
    folder = str(ROOT / "tests" / "bench" / "plugins")
    site = make_site("till", plugin_folders=(folder,), settings={"checkout.confirm_above": 10})
    client = browser_of(site)
    signed_in(client, proved=False)
    client.post("/checkout/offer", data={**FORM, "provider": ""})

    assert paid() == 0
