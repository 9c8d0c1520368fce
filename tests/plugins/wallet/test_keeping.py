"""A balance over time: it is low, it expires only after a word, it follows its owner."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import checkout, settings
from core.ledger import balance
from core.orders import Line
from core.people import Reader, contacts, users
from core.plugins import ResourceCard
from core.storage import execute
from core.testing.people import signed_in
from core.testing.trying import PlayMoney
from core.verify import verify
from plugins.wallet import expiring, statement
from plugins.wallet.statement import FAMILY
from tests.stand_in import eur

BANK = PlayMoney()
MONTHS = 12


@pytest.fixture
def app(make_site):
    yield make_site("posts", "paywall", "wallet", "playmoney")
    assert verify() == []


@pytest.fixture
def card(cards):
    cards.add(ResourceCard(
        resource="post:one", kind="post", title="Text one", url="/one", language="en",
        fields={"price": "4.50 EUR"},
    ))  # fmt: skip


def pay_in(client, minor=500):
    BANK.pay(client, client.post("/x/wallet/", data={"minor": str(minor)}))
    return execute("SELECT holder FROM orders_order ORDER BY id DESC LIMIT 1").fetchone()[0]


def held(holder):
    return -balance(FAMILY + holder, "EUR", "test").minor


def test_a_reader_sees_the_balance_everywhere_and_when_it_is_low(client, card):
    """The navigation names it; who has none sees nothing of it."""
    assert "Your balance" not in client.get("/").text
    pay_in(client)
    assert "Your balance: </span>€5.00" in client.get("/").text
    form = {"resource": "post:one", "offer": "paywall", "return_to": "/", "provider": "wallet"}
    client.post("/checkout/offer", data=form)

    assert "Your balance: </span>€0.50" in client.get("/").text


def test_a_balance_expires_only_where_the_owner_set_months(client, app, clock):
    """Never is the default, however long it lies."""
    holder = pay_in(client)
    contacts.keep(holder, "ada@example.org", "en")
    clock.shift(timedelta(days=4000))
    with app.app_context():
        assert expiring.expire_due() == 0
    assert held(holder) == 500


def test_it_is_reminded_of_and_then_income_of_the_site(client, app, clock, mailbox):
    """30 days after the word, by an order of nothing with an account of its own."""
    settings.save("wallet.expires_months", MONTHS, actor="test")
    settings.reload()
    holder = pay_in(client)
    contacts.keep(holder, "ada@example.org", "en")
    steps = []
    with app.app_context():
        for days in (300, 35, 1, 28, 2):
            clock.shift(timedelta(days=days))
            steps.append((expiring.expire_due(), held(holder)))

    assert steps == [(0, 500), (0, 500), (0, 500), (0, 500), (1, 0)]
    assert execute("SELECT COUNT(*) FROM mail_message").fetchone()[0] == 2, "a word, a receipt"
    assert balance("income:expired_balances", "EUR", "test") == eur(-500)
    assert "Expired" in client.get("/x/wallet/").text


def test_who_cannot_be_reminded_loses_nothing(client, app, clock):
    """A guest without an address keeps the balance."""
    settings.save("wallet.expires_months", MONTHS, actor="test")
    settings.reload()
    holder = pay_in(client)
    clock.shift(timedelta(days=1000))
    with app.app_context():
        assert expiring.expire_due() == expiring.expire_due() == 0
    assert held(holder) == 500


def test_what_is_used_after_the_word_is_kept(client, app, clock, card):
    """Any movement starts the months anew, and the reminder counts no more."""
    settings.save("wallet.expires_months", MONTHS, actor="test")
    settings.reload()
    holder = pay_in(client)
    contacts.keep(holder, "ada@example.org", "en")
    with app.app_context():
        clock.shift(timedelta(days=335))
        expiring.expire_due()
        form = {"resource": "post:one", "offer": "paywall", "return_to": "/", "provider": "wallet"}
        client.post("/checkout/offer", data=form)
        clock.shift(timedelta(days=40))

        assert expiring.expire_due() == 0
    assert held(holder) == 50


def test_a_claimed_guests_balance_expires_like_any_other(client, app, clock, mailbox):
    """Its months count from what the guest did: becoming a user is no movement."""
    settings.save("wallet.expires_months", MONTHS, actor="test")
    settings.reload()
    guest = pay_in(client)
    person = signed_in(client, "reader")
    users.claim(person.user.id, guest)
    clock.shift(timedelta(days=100))
    checkout.merge(guest, person.user.id)
    steps = []
    with app.app_context():
        for days in (200, 35, 31):
            clock.shift(timedelta(days=days))
            steps.append((expiring.expire_due(), held(person.user.id)))

    assert steps == [(0, 500), (0, 500), (1, 0)]


def test_unspent_money_of_a_guest_goes_back_to_the_user_it_became(client):
    """Merging moved the balance; the guest's payment is given back out of it, with no claim."""
    guest = pay_in(client)
    person = signed_in(client, "reader")
    users.claim(person.user.id, guest)
    checkout.merge(guest, person.user.id)
    reader = Reader(person.user.id, (person.user.id, guest), person.user.id)
    (top_up,) = statement.top_ups(statement.movements(reader), statement.balance_of(reader))
    checkout.refund(top_up.order, {1: 500}, actor="test", reason="unspent", only_unspent=True)

    assert (held(guest), held(person.user.id)) == (0, 0)
    assert balance(f"assets:claims:{guest}", "EUR", "test") == eur(0)
    assert balance("liabilities:refunds", "EUR", "test") == eur(0)


def test_the_oldest_money_is_spent_first(client, card):
    """So the newest payment in is what is left."""
    pay_in(client)
    holder = pay_in(client)
    form = {"resource": "post:one", "offer": "paywall", "return_to": "/", "provider": "wallet"}
    client.post("/checkout/offer", data=form)
    reader = Reader(holder, (holder,))
    found = statement.top_ups(statement.movements(reader), statement.balance_of(reader))

    assert [one.unspent.minor for one in found] == [500, 50]


def test_play_money_never_becomes_real(client):
    """What was paid in by play money is under test:, and the site's balance has its mode."""
    holder = pay_in(client)
    line = Line("Later", eur(100), "income:posts")
    with client.application.test_request_context():
        order = checkout.buy(Reader(holder, (holder,)), (line,), "wallet")

    assert order.mode == "test"
    assert balance(FAMILY + holder, "EUR").minor == 0
    assert balance("income:posts", "EUR", "test") == eur(-100)
