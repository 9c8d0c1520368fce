"""A reader with a balance opens a text by one request; one without tops up and opens it at once."""

from __future__ import annotations

import re

import pytest

from core import checkout, settings
from core.ledger import balance
from core.payments import methods
from core.people import contacts
from core.plugins import ResourceCard
from core.storage import execute
from core.testing import browser_of
from core.testing.people import signed_in
from core.testing.trying import PlayMoney
from core.verify import verify

BANK = PlayMoney()
OFFER = {"offer": "paywall", "return_to": "/library/"}


@pytest.fixture
def app(make_site):
    yield make_site("paywall", "wallet", "tipjar", "playmoney")
    assert verify() == []


@pytest.fixture(autouse=True)
def texts(cards):
    for slug in ("one", "two", "dear"):
        price = "30.00 EUR" if slug == "dear" else "0.20 EUR"
        cards.add(ResourceCard(
            resource=f"post:{slug}", kind="post", title=f"Text {slug}", url=f"/{slug}",
            language="en", fields={"price": price},
        ))  # fmt: skip


def holder():
    return execute("SELECT holder FROM orders_order ORDER BY id DESC LIMIT 1").fetchone()[0]


def held(of=None):
    return -balance(f"liabilities:wallet:{of or holder()}", "EUR", "test").minor


def buy(client, slug, **more):
    return client.post("/checkout/offer", data={"resource": f"post:{slug}", **OFFER, **more})


def topped_up(client, slug="one", **more):
    return BANK.pay(client, buy(client, slug, top_up="480", **more))


def panel_of(client, slug="two"):
    return client.get(f"/go/post:{slug}").text


def test_the_first_purchase_pays_in_and_opens_at_once(client):
    """One order with two lines, one payment: 5.00 are paid, 0.20 earned, 4.80 stay."""
    assert "Pay €5.00" in panel_of(client)
    assert "€4.80 stay here" in panel_of(client)
    assert topped_up(client).location == "/library/"

    lines = execute("SELECT minor, account FROM orders_line ORDER BY number").fetchall()
    assert lines == [(20, "income:posts"), (480, f"liabilities:wallet:{holder()}")]
    assert held() == 480
    assert balance("income:posts", "EUR", "test").minor == -20
    assert "Text one" in client.get("/library/").text


def test_a_balance_opens_the_next_text_by_one_request(client):
    """One POST, one transaction; the panel says what is left, and the second tap costs nothing."""
    topped_up(client)
    page = panel_of(client)
    assert "Pay €0.20 from your balance" in page
    assert "€4.60 are left afterwards" in page
    opened, again = (buy(client, "two", provider="wallet") for _ in range(2))

    assert (opened.status_code, opened.location) == (303, "/library/")
    assert (again.status_code, held()) == (303, 460)
    assert execute("SELECT COUNT(*) FROM orders_order").fetchone()[0] == 2
    assert "€4.60" in client.get("/x/wallet/").text


def test_what_costs_more_than_is_there_is_refused_whole(client):
    """No order, no payment, no key; the balance is as it was."""
    topped_up(client)
    answer = buy(client, "dear", provider="wallet")

    assert answer.status_code == 403
    assert held() == 480
    assert execute("SELECT COUNT(*) FROM orders_order").fetchone()[0] == 1


def test_a_small_tip_is_asked_how_much_to_pay_in(client):
    """Any form that leads to a payment meets the same page, and goes on from it by one tap."""
    asked = client.post("/x/tipjar/", data={"minor": "100", "back": "/"})
    fields = dict(re.findall(r'name="(minor|back|top_up)" value="([^"]*)"', asked.text)[:3])

    assert asked.status_code == 422
    assert "€1.00 is a small price" in asked.text
    assert "directly from" in asked.text
    assert fields == {"minor": "100", "back": "/", "top_up": "400"}
    BANK.pay(client, client.post("/x/tipjar/", data=fields))
    assert held() == 400
    assert balance("income:tips", "EUR", "test").minor == -100


def test_a_guest_who_pays_in_more_gives_a_way_back(client):
    """Above 5.00 the order asks for an e-mail address, and keeps it as where receipts go."""
    asked = client.post("/x/wallet/", data={"minor": "1000"})
    assert asked.status_code == 422
    assert "Your e-mail address" in asked.text
    wrong = client.post("/x/wallet/", data={"minor": "1000", "answer:wallet.way_back": "nobody"})
    assert wrong.status_code == 400
    sent = {"minor": "1000", "answer:wallet.way_back": "ada@example.org"}
    BANK.pay(client, client.post("/x/wallet/", data=sent))

    assert held() == 1000
    assert contacts.of_holder(holder()) == ("ada@example.org", "en")


def test_caps_hold_in_all_and_in_a_day(client):
    """Whatever a form says: by one payment, within a day, and in all; the page says how much."""
    settings.save("wallet.daily_cap", 600, actor="test")
    settings.reload()
    topped_up(client)
    refused = client.post("/x/wallet/", data={"own": "1.21"})

    assert refused.status_code == 422
    assert "You can add up to €1.20 now." in refused.text
    assert 'value="1.21"' in refused.text
    assert buy(client, "two", top_up="481").status_code == 403


def test_nobody_pays_into_anothers_balance(client, app):
    """A line on the account of somebody else is refused, whoever makes it."""
    topped_up(client)
    victim = holder()
    from core.errors import Refused
    from core.orders import Line
    from core.people import Reader
    from tests.stand_in import eur

    other = Reader(holder="gst_other", holders=("gst_other",))
    line = Line("A present", eur(500), f"liabilities:wallet:{victim}")
    with app.test_request_context(), pytest.raises(Refused, match="passed on"):
        checkout.start_order(other, (line,))


def test_a_balance_never_pays_into_itself(client):
    """What is paid in comes from outside."""
    topped_up(client)
    ordered = client.post("/x/wallet/", data={"minor": "300", "provider": "wallet"})

    assert ordered.status_code == 403
    assert held() == 480


def test_a_refund_goes_to_the_balance_at_once_when_the_reader_picks_it(client):
    """What was paid at the bank can be kept here; what came from the balance goes back there."""
    topped_up(client)
    buy(client, "two", provider="wallet")
    rows = execute("SELECT id FROM orders_order ORDER BY id").fetchall()
    (first,), (second,) = rows
    checkout.refund(first, {1: 20}, actor="test", reason="asked", to="wallet")
    checkout.refund(second, {1: 20}, actor="test", reason="asked")

    assert held() == 500
    page = client.get("/x/wallet/").text
    assert page.count("Given back: ") == 2


def test_unspent_money_goes_back_the_way_it_was_paid(client):
    """The newest money is what is left; it goes back whole, and only once."""
    topped_up(client)
    buy(client, "two", provider="wallet")
    page = client.get("/x/wallet/").text
    (order,) = re.findall(r'name="order" value="([^"]+)"', page)
    assert "Give back €4.60" in page
    done = client.post("/x/wallet/back", data={"order": order})
    again = client.post("/x/wallet/back", data={"order": order})

    assert (done.status_code, again.status_code, held()) == (303, 404, 0)
    assert balance("assets:playmoney", "EUR", "test").minor == 500 - 460 - 33
    assert balance("liabilities:refunds", "EUR", "test").minor == 0
    assert "on its way back" in client.get(done.location).text


def test_somebody_elses_payment_is_not_to_be_had_back(client, app):
    """A stranger who knows the order's id gets nothing."""
    topped_up(client)
    order = execute("SELECT id FROM orders_order").fetchone()[0]

    assert browser_of(app).post("/x/wallet/back", data={"order": order}).status_code == 404
    assert held() == 480


def test_one_top_up_keeps_the_way_to_pay_where_its_button_says_so(client):
    """Then it may be added by itself; a plain top-up keeps nothing and has no more steps."""
    person = signed_in(client)
    BANK.pay(client, person.post("/x/wallet/", minor="500"))
    before = client.get("/x/wallet/").text
    assert "first pay in once and keep the way to pay" in before
    assert "Add to it by itself" not in before
    BANK.pay(client, person.post("/x/wallet/", minor="500", save="1"))
    (method,) = methods.of_holders([person.user.id])
    page = client.get("/x/wallet/").text
    form = {"then": "add", "below": "1.00", "adds": "5.00", "method": method.id}

    assert "Add to it by itself" in page
    assert method.label in page
    assert person.post("/x/wallet/low", **form).status_code == 303
