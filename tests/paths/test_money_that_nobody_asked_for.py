"""Money comes in, or goes out, otherwise than it was asked for: booked, opening nothing, shown."""

from __future__ import annotations

import json
from datetime import timedelta
from types import ModuleType

import pytest
from click.testing import CliRunner

from core import checkout, limits, orders
from core.access import Gate
from core.cli import commands
from core.clock import now
from core.hookspecs import hookimpl
from core.ledger import balance, declare_bounds
from core.money import Money
from core.orders import Grant, Line, Offer
from core.payments import Facts, Kind, Movement, State, records
from core.plugins import catalogue, loaded
from core.reconcile import reconcile
from core.storage import execute
from core.verify import verify
from plugins.playmoney.bank import Wish
from plugins.playmoney.chosen import local_bank
from plugins.playmoney.signature import HEADER, sign
from tests.conftest import browser_of
from tests.stand_in import PURSE, Instant, eur

UNASSIGNED = "liabilities:unassigned"
PRICE, TOP_UP = 20, 480


@pytest.fixture
def site(make_site):
    app = make_site("playmoney", settings={"checkout.allow_loss": True})
    plant()
    yield app
    assert verify() == []
    local_bank().log.close()


def plant():
    """Add a shop and a purse to the site that was just built."""
    declare_bounds(PURSE)
    limits.set_key(bytes(32), factor=100)
    shop = ModuleType("shop")
    shop.guard = hookimpl(guard)
    loaded().add("shop", shop)
    catalogue.providers["purse"] = Instant(mode="test")


def guard(resource, reader):
    """Sell a post for 0.20; a `pack:` comes with 4.80 for the reader's purse."""
    lines = (Line("Read this post", eur(PRICE), "income:posts", (Grant(resource),)),)
    if resource.startswith("pack:"):
        lines += (Line("For your purse", eur(TOP_UP), f"liabilities:purse:{reader.holder}"),)
    return Gate(frozenset({resource}), lambda: (Offer("paywall", "Read", lines),))


@pytest.fixture
def obolo(site, db, tmp_path, monkeypatch):
    """Return what runs a command of the owner and returns what it prints."""
    monkeypatch.setenv("OBOLO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("OBOLO_DATABASE", db)
    monkeypatch.setenv("OBOLO_PLUGINS", "playmoney")

    def run(*words):
        done = CliRunner().invoke(commands, words)
        assert done.exit_code == 0, (done.output, done.exception)
        plant()  # the command has built the site anew
        return done.output

    return run


class Reader:
    """Somebody with a browser of their own."""

    def __init__(self, site):
        self.site, self.browser = site, browser_of(site)

    def take(self, resource, provider=""):
        form = {
            "resource": resource, "offer": "paywall", "return_to": "/read", "provider": provider,
        }  # fmt: skip
        return self.browser.post("/checkout/offer", data=form)

    def begin(self, resource):
        """Go to the bank; return the payment."""
        to_bank = self.take(resource)
        if to_bank.location.startswith("/checkout/"):  # the purse could pay as well
            pay = f"{to_bank.location}/pay"
            to_bank = self.browser.post(pay, data={"provider": "playmoney"})
        assert "/x/playmoney/pay/" in to_bank.location
        (newest,) = execute("SELECT id FROM payments_payment ORDER BY id DESC LIMIT 1").fetchone()
        return records.find(newest)

    def buy(self, resource):
        """Pay at the bank, which tells the site; return the payment."""
        payment = self.begin(resource)
        local_bank().pay(payment.ref, "pay")
        self.bank_tells()
        assert self.may_read(resource)
        return records.find(payment.id)

    def may_read(self, resource):
        """Tell whether the door is open: then an offer is not taken but leads back."""
        return self.take(resource).location == "/read"

    def bank_tells(self):
        """Deliver all messages of the bank."""
        for one in local_bank().deliveries():
            path = "/webhooks/playmoney"
            answer = self.site.test_client().post(
                path, data=one.body, headers=one.headers, buffered=True
            )
            assert answer.status_code == 204


@pytest.fixture
def reader(site):
    return Reader(site)


def held(account, currency="EUR"):
    return balance(account, currency, "test").minor


def opened():
    rows = execute("SELECT key, state FROM entitlements_entitlement").fetchall()
    return {tuple(row) for row in rows}


@pytest.mark.parametrize(
    ("instead", "problem"),
    [(Money(19, "EUR"), "amount"), (Money(21, "EUR"), "amount"), (Money(20, "USD"), "currency")],
)
def test_another_amount_or_currency_opens_nothing_and_is_shown(reader, obolo, instead, problem):
    """The bank's word is true, and not what was asked: the money waits for the owner."""
    payment = reader.begin("post:hello")
    local_bank().pay(payment.ref, "pay", instead=instead)
    reader.bank_tells()

    assert held(UNASSIGNED, instead.currency) == -instead.minor
    assert held("income:posts") == 0
    assert opened() == set()
    assert not reader.may_read("post:hello")
    (line,) = obolo("ledger", "unassigned").splitlines()
    for word in (str(instead), "test", payment.order, payment.id, f"({problem})"):
        assert word in line


def test_an_order_whose_money_is_unassigned_ends_when_its_time_is_over(reader):
    """It cannot be paid by that payment any more, so the bank is not asked for ever."""
    payment = reader.begin("post:hello")
    local_bank().pay(payment.ref, "pay", instead=Money(19, "EUR"))
    reader.bank_tells()
    reconcile(now() + timedelta(hours=2))

    assert execute("SELECT state FROM orders_order").fetchone()[0] == "closed"
    assert execute("SELECT next_look FROM payments_payment").fetchone()[0] is None
    assert held(UNASSIGNED) == -19


def test_a_look_up_that_tells_of_another_order_opens_nothing(reader, obolo, monkeypatch):
    """A genuine message, whose look-up returns somebody else's payment of the same amount."""
    payment = reader.begin("post:hello")
    wish = Wish(
        payee="site", key="k", reference="pay_theirs", minor=PRICE, currency="EUR",
        description="x", return_url="https://other.example/",
    )  # fmt: skip
    theirs = local_bank().pay(local_bank().begin(wish).ref, "pay")
    local_bank().pay(payment.ref, "decline")
    monkeypatch.setattr(local_bank(), "find", lambda *_: theirs)
    reader.bank_tells()

    assert held(UNASSIGNED) == -PRICE
    assert opened() == set()
    assert "(reference)" in obolo("ledger", "unassigned")


def test_a_message_that_names_an_unpaid_order_beside_a_paid_ref_opens_nothing(reader):
    """A small payment cannot open a dear order: the look-up alone says what is paid."""
    dear = reader.begin("pack:dear")
    cheap = Reader(reader.site).buy("post:cheap")
    event = {"id": "evt_mixed", "payee": "site", "reference": dear.id, "ref": cheap.ref}
    body = json.dumps(event).encode()
    headers = {HEADER: sign(local_bank().secret, body, now())}
    answer = reader.site.test_client().post(
        "/webhooks/playmoney", data=body, headers=headers, buffered=True
    )

    assert answer.status_code == 204
    assert opened() == {("post:cheap", "active")}
    assert not reader.may_read("pack:dear")


def test_a_refund_that_core_did_not_ask_for_is_shown_and_closes_nothing(reader, obolo):
    """Given back on the bank's own pages: unassigned until a person names its lines."""
    payment = reader.buy("post:hello")
    local_bank().refund("site", payment.id, "by hand", eur(5))
    reader.bank_tells()

    assert held(UNASSIGNED) == 5
    assert reader.may_read("post:hello")
    assert payment.id in obolo("ledger", "unassigned")


def test_unassigned_money_is_shown_once_each_with_its_own_payment(reader, obolo):
    """Also where one movement's id is the beginning of another one's."""
    ids = iter(["ch_1", "ch_11", "ch-1"])
    payments = [Reader(reader.site).begin(f"post:{n}") for n in range(3)]
    for payment in payments:
        charge = Movement(Kind.CHARGE, next(ids), 19, "EUR", fee=0)
        facts = Facts(payment.ref, State.PAID, (charge,), payment.id, "site", "test")
        checkout.settle(catalogue.providers["playmoney"], payment.id, facts)
    lines = obolo("ledger", "unassigned").splitlines()

    assert [line.split()[-2] for line in lines] == [payment.id for payment in payments]


def spender(reader):
    """Let the reader buy a post with 4.80 for the purse, and spend 0.60 of that."""
    payment = reader.buy("pack:hello")
    for number in range(3):
        assert reader.take(f"post:{number}", "purse").status_code == 303
    order = orders.find(payment.order)

    assert held(f"liabilities:purse:{order.holder}") == 60 - TOP_UP
    return payment, f"liabilities:purse:{order.holder}", f"assets:claims:{order.holder}"


def assert_in_debt(reader, purse, claim):
    """The bound is kept, the rest is a claim, reading goes on and spending does not."""
    assert (held(purse), held(claim)) == (0, 60)
    before = execute("SELECT COUNT(*) FROM orders_order").fetchone()
    for resource, provider in (("post:new", "purse"), ("pack:new", "playmoney")):
        assert reader.take(resource, provider).status_code == 409
    assert execute("SELECT COUNT(*) FROM orders_order").fetchone() == before
    assert all(reader.may_read(f"post:{number}") for number in range(3))


@pytest.mark.parametrize("verdict", ["won", "lost"])
def test_a_dispute_of_what_was_spent_suspends_and_raises_a_claim(reader, verdict):
    """What was bought is shut until the bank decides; what the purse lacks is owed."""
    payment, purse, claim = spender(reader)
    dispute = local_bank().dispute(payment.ref, PRICE + TOP_UP)
    reader.bank_tells()

    assert ("pack:hello", "suspended") in opened()
    assert_in_debt(reader, purse, claim)

    local_bank().decide(dispute.id, verdict)
    reader.bank_tells()
    if verdict == "lost":
        assert ("pack:hello", "revoked") in opened()
        assert_in_debt(reader, purse, claim)
    else:
        assert reader.may_read("pack:hello")
        assert (held(purse), held(claim)) == (60 - TOP_UP, 0)
        assert reader.take("post:new", "purse").location == "/read"


def test_a_refund_of_what_was_spent_revokes_and_raises_a_claim(reader, obolo):
    """The owner gives all of it back; what the purse lacks is owed."""
    payment, purse, claim = spender(reader)
    said = obolo("refund", payment.order, f"1={PRICE}", f"2={TOP_UP}", "--reason", "asked")

    assert "done" in said
    assert ("pack:hello", "revoked") in opened()
    assert_in_debt(reader, purse, claim)
