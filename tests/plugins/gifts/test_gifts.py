"""A gift: paid like the text itself, opened once by a link, given back while nobody opened it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from core import checkout
from core.ledger import balance
from core.payments import Kind, Movement, Status, records
from core.people import Reader
from core.plugins import ResourceCard, catalogue
from core.storage import execute
from core.testing import browser_of
from core.testing.trying import PlayMoney
from core.verify import verify
from plugins.gifts import giving
from plugins.gifts import records as gifts
from tests.proofs.test_races import together

BANK = PlayMoney()
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def app(make_site):
    yield make_site("paywall", "prices", "wallet", "takeback", "gifts", "playmoney")
    assert verify() == []


@pytest.fixture(autouse=True)
def texts(cards):
    for slug, price in (("one", "5.00 EUR"), ("small", "0.20 EUR"), ("free", "free")):
        cards.add(ResourceCard(
            resource=f"post:{slug}", kind="post", title=f"Text {slug}", url=f"/{slug}",
            language="en", fields={"price": price},
        ))  # fmt: skip


@pytest.fixture
def friend(app):
    return browser_of(app)


def order(client, slug="one", number="", **more):
    page = client.get(f"/x/gifts/new/post:{slug}").text
    number = number or re.search(r'name="number" value="(\w+)"', page)[1]
    return client.post(f"/x/gifts/new/post:{slug}", data={"number": number, **more})


def buy(client, slug="one", **more):
    """Pay for a gift, and return its page."""
    return BANK.pay(client, order(client, slug, **more)).location


def link_of(client, page):
    return re.search(r"localhost(/x/gifts/open/\S{32})<", client.post(f"{page}/link").text)[1]


def take(client, link):
    return client.post("/x/gifts/open", data={"token": link.rpartition("/")[2]})


def is_open(client, slug="one"):
    return "open to you" in client.get(f"/go/post:{slug}").text.partition("<form")[0]


def earned():
    return -balance("income:posts", "EUR", "test").minor


@on_sqlite
def test_a_gift_costs_the_same_and_opens_once(client, friend, app):
    """Who has the link first has the text; who gave it does not, and no look opens anything."""
    page = buy(client)
    link = link_of(client, page)
    shown = friend.get(link)
    assert (shown.status_code, "Text one" in shown.text) == (200, True)
    assert "Set-Cookie" not in shown.headers
    assert not is_open(friend)
    taken = take(friend, link)
    late = browser_of(app)

    assert (taken.status_code, taken.location) == (303, "/one#opened")
    assert is_open(friend)
    assert not is_open(client)
    assert (late.get(link).status_code, take(late, link).status_code) == (410, 410)
    assert "Opened on" in client.get(page).text
    assert earned() == 500
    assert "Gift: Text one" in friend.get("/library/").text
    assert friend.get(page).location == "/one"
    assert client.get("/x/gifts/").text.count("Opened on") == 1


@on_sqlite
def test_a_gift_is_its_givers_and_what_is_free_is_none(client, app, friend):
    """A stranger sees no gift; a link stands in no row; a second link ends the first."""
    page = buy(client)
    first, second = link_of(client, page), link_of(client, page)

    assert friend.get(first).status_code == 410
    assert friend.get(second).status_code == 200
    assert second.rpartition("/")[2] not in str(execute("SELECT * FROM gifts_gift").fetchall())
    for address in (f"{page}/link", f"{page}/back"):
        assert friend.post(address).status_code == 404
    assert friend.get(page).status_code == 404
    assert client.get("/x/gifts/new/post:free").status_code == 404
    assert order(friend, number="gft_1").status_code == 400


@on_sqlite
def test_a_form_that_is_sent_twice_orders_one_gift(client, friend):
    """By balance too; nobody else's number is taken."""
    BANK.pay(client, client.post("/x/wallet/", data={"minor": "500"}))
    number = "gft_" + "0" * 22
    answers = [order(client, "small", number, provider="wallet") for _ in range(2)]
    stolen = order(friend, "small", number)

    assert [one.location for one in answers] == [f"/x/gifts/{number}"] * 2
    assert stolen.status_code == 400
    assert earned() == 20
    assert "It is paid" in client.get(f"/x/gifts/{number}").text


@on_sqlite
def test_who_has_the_text_for_ever_passes_the_link_on(client, friend, monkeypatch):
    """What was opened for a time is no reason: the gift then stays."""
    monkeypatch.setenv("OBOLO_PRICES__FREE_A_MONTH", "1")
    link, other = (link_of(client, buy(client)) for _ in range(2))
    free = {"resource": "post:one", "offer": "prices-free", "return_to": "/one"}
    friend.post("/checkout/offer", data=free)
    assert is_open(friend)
    assert take(friend, link).status_code == 303
    again = take(friend, other)

    assert (again.status_code, friend.get(other).status_code) == (409, 200)
    assert "pass it on" in friend.get(other).text
    assert take(client, other).status_code == 303
    assert is_open(client)


@on_sqlite
def test_a_gift_is_taken_back_until_it_is_opened(client, friend):
    """The money goes back the way it was paid, once; the ten minutes of a purchase are not its."""
    page = buy(client)
    link = link_of(client, page)
    ordered = execute("SELECT order_id FROM gifts_gift").fetchone()[0]
    assert client.post(f"/x/takeback/{ordered}").status_code == 409
    back, again = client.post(f"{page}/back"), client.post(f"{page}/back")

    assert (back.status_code, again.status_code) == (303, 303)
    assert "The money was given back" in client.get(page).text
    assert earned() == 0
    assert take(friend, link).status_code == 410
    page = buy(client)
    take(friend, link_of(client, page))
    assert client.post(f"{page}/back").status_code == 409
    assert is_open(friend)


@on_sqlite
def test_what_nobody_opens_in_time_is_given_back(client, friend, clock):
    """After 90 days by the task, once; what was opened stays with its taker."""
    page, other = buy(client), buy(client)
    link = link_of(client, page)
    take(friend, link_of(client, other))
    clock.shift(timedelta(days=89))
    assert giving.expire_due() == 0
    clock.shift(timedelta(days=1))
    assert friend.get(link).status_code == 410
    assert client.post(f"{page}/link").status_code == 409
    assert (giving.expire_due(), giving.expire_due()) == (1, 0)

    assert earned() == 500
    assert "The money was given back" in client.get(page).text
    assert is_open(friend)
    assert list(giving.health()) == []


@on_sqlite
def test_money_that_does_not_go_back_is_tried_again_and_told(client, clock, monkeypatch):
    """A gift stays closed; the owner reads which order it is; the next try is the same refund."""
    page = buy(client)

    def down(*_, **__):
        raise checkout.ordering.Refused("The bank says no.")

    with monkeypatch.context() as patched:
        patched.setattr(giving, "refund", down)
        answer = client.post(f"{page}/back")
        clock.shift(timedelta(days=2))
        assert giving.expire_due() == 0
    (told,) = giving.health()

    assert (answer.status_code, "The bank says no." in answer.text) == (409, True)
    assert (told.ok, "1 gifts" in str(told)) == (False, True)
    assert giving.expire_due() == 1
    assert (earned(), list(giving.health())) == (0, [])


@on_sqlite
def test_a_dispute_takes_the_text_from_its_taker_and_a_won_one_gives_it_back(client, friend):
    """Nothing is written for it: a gift counts while the payment of its order stands."""
    page = buy(client)
    take(friend, link_of(client, page))
    ordered = execute("SELECT order_id FROM gifts_gift").fetchone()[0]
    (payment,) = records.of_order(ordered)

    def dispute(status):
        moved = Movement(Kind.DISPUTE, "dp_1", 500, "EUR", status=status)
        checkout.settle(
            catalogue.providers["playmoney"], payment.id, payment.facts.join(_with(payment, moved))
        )

    dispute(Status.PENDING)
    assert not is_open(friend)
    assert "disputed" in client.get(page).text
    assert friend.get(page).status_code == 410
    dispute(Status.FAILED)
    assert is_open(friend)
    checkout.refund(ordered, {1: 500}, actor="staff", reason="asked")
    assert not is_open(friend)
    assert "given back" in client.get(page).text


def _with(payment, moved):
    return replace(payment.facts, movements=(*payment.facts.movements, moved))


def race(app, client, weak=None):
    """Let many take one gift at the same time; return how many keys were given."""
    page = buy(client)
    gift = gifts.find(page.rpartition("/")[2])

    def act(number):
        reader = Reader(holder=f"gst_{number}", holders=(f"gst_{number}",))
        with app.test_request_context():
            return checkout.start_order(reader, (giving.line_to_take(gift),))

    outcomes = together(*[lambda n=n: act(n) for n in range(8)])
    key = gifts.PREFIX + gift.id
    sql = "SELECT COUNT(*) FROM entitlements_entitlement WHERE key = ? AND holder LIKE 'gst__'"
    given = execute(sql, [key]).fetchone()[0]
    assert given == sum(type(one).__name__ == "Order" for one in outcomes)
    return given


def test_of_many_takers_one_has_it(app, client, monkeypatch):
    """On both databases; the weak twin, which looks first and writes then, gives it to several."""
    assert race(app, client) == 1

    def take_after_a_look(id, holder):
        execute("UPDATE gifts_gift SET taker = ?, taken = 1 WHERE id = ?", [holder, id])

    monkeypatch.setattr(gifts, "take", take_after_a_look)
    assert race(app, client) > 1
