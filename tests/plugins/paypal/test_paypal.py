"""PayPal on a site, its wire in bad weather, and the mistakes that the checks must catch."""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import pytest

from core import Gate, Grant, Line, Money, Offer, hookimpl, http, settings
from core.ledger import balance
from core.payments import Capture, Intent, Payment, ProviderRefused, ProviderUnknown, State
from core.plugins import catalogue, loaded
from core.storage import Migrations, close, execute, lock_migrations
from core.testing import sqlite_url
from core.verify import verify
from plugins.paypal import amounts, chosen, connecting, plain, requests, wire
from plugins.paypal.amounts import Fees
from plugins.paypal.wire import NotLetIn, PayPalRefused, Wire, path_id
from tests.architecture.tree import ROOT
from tests.conftest import browser_of
from tests.plugins.paypal.contract import mistakes
from tests.plugins.paypal.fake import CLIENT, SECRET, WEBHOOK, Fault, running
from tests.plugins.paypal.test_contract import provider_for

INTENT = Intent(
    "pay_1", "ord_1", "gst_1", Money(1000, "EUR"), "A text " * 40,
    "http://localhost/checkout/ord_1", "it",
)  # fmt: skip
PAYMENT = Payment("pay_1", "ord_1", "paypal", "test", Money(1000, "EUR"))


@pytest.fixture
def database_url(template, tmp_path):
    """Nothing here depends on the database; the contract's SQL is plain."""
    return sqlite_url(template, tmp_path)


@pytest.fixture
def fake():
    with running() as fake:
        yield fake


@pytest.fixture
def undeclared(monkeypatch):
    """Reach the fake although there is no site whose settings name it."""
    monkeypatch.setattr(wire, "http_request", http.request)


@pytest.fixture
def way(fake, undeclared):
    return Wire(fake.url, CLIENT, SECRET, timeout=5, sleep=lambda _: None)


@pytest.fixture
def tables(db, undeclared):
    with lock_migrations():
        Migrations("paypal", ROOT / "plugins" / "paypal" / "migrations").apply()


@hookimpl
def guard(resource):
    """Sell every resource for five euro."""
    line = Line("A text", Money(500, "EUR"), "income:posts", (Grant(resource),))
    return Gate(frozenset({resource}), lambda: (Offer("paywall", "Read", (line,)),))


@pytest.fixture
def site(make_site, fake):
    app = make_site("paypal", settings={
        "paypal.client_id": CLIENT, "paypal.secret": SECRET, "paypal.api_url": fake.url,
        "paypal.webhook_id": WEBHOOK, "paypal.merchant_id": fake.books.merchant,
        "paypal.fee_percent": "3,40", "paypal.fee_fixed": "0.35",
        "checkout.most_fee_share": 11,
    })  # fmt: skip
    shop = ModuleType("shop")
    shop.guard = guard
    loaded().add("shop", shop)
    yield app
    assert verify() == []
    assert fake.mistakes == []


app = site


def to_paypal(client) -> str:
    """Take the offer; return PayPal's id of the order that the reader is led to."""
    form = {"resource": "post:hello", "offer": "paywall", "return_to": "/hello"}
    return client.post("/checkout/offer", data=form).location.rpartition("token=")[2]


def order_id() -> str:
    return str(execute("SELECT id FROM orders_order").fetchone()[0])


def states() -> list[str]:
    return [row[0] for row in execute("SELECT state FROM orders_order ORDER BY id")]


def test_a_reader_pays_and_the_real_fee_is_booked(site, fake):
    """Approve, come back, captured; gross in, PayPal's own fee out."""
    reader = browser_of(site)
    fake.books.approve(to_paypal(reader))
    answer = reader.get(f"/checkout/{order_id()}?token=x&PayerID=y")

    assert answer.location == "/hello"
    assert balance("income:posts", "EUR", "test").minor == -500
    assert balance("assets:paypal", "EUR", "test").minor == 500 - 52
    assert balance("expenses:fees:paypal", "EUR", "test").minor == 52


def test_webhook_and_return_race_and_there_is_one_capture(site, fake):
    """Ten at once: messages of the approval, and the reader's own return."""
    reader = browser_of(site)
    fake.books.approve(to_paypal(reader))
    message, path = fake.inbound(fake.books.events[-1]), f"/checkout/{order_id()}"
    cookies = "; ".join(f"{one.key}={one.value}" for one in reader._cookies.values())

    def call(number: int) -> int:
        try:
            client = site.test_client(use_cookies=False)
            if number % 2:
                kinds = dict(message.headers)
                return client.post("/webhooks/paypal", data=message.body, headers=kinds).status_code
            return client.get(path, headers={"Cookie": cookies}).status_code
        finally:
            close()

    with ThreadPoolExecutor(10) as pool:
        statuses = set(pool.map(call, range(10)))

    assert statuses <= {200, 204, 303}
    reader.get(path)
    assert states() == ["paid"]
    done = [one for one in fake.books.events if one["event_type"] == "PAYMENT.CAPTURE.COMPLETED"]
    assert len(done) == 1
    assert balance("assets:paypal", "EUR", "test").minor == 500 - 52


def test_a_reader_who_leaves_the_page_pays_nothing_later(site, fake):
    """The way back lets the payment go; only who knows PayPal's id of the order is believed."""
    reader = browser_of(site)
    order = to_paypal(reader)
    payment = execute("SELECT id FROM paypal_payment").fetchone()[0]
    assert reader.get(f"/x/paypal/left/{payment}?token=5OGUESSED").status_code == 404
    assert reader.get(f"/x/paypal/left/{payment}").status_code == 404
    back = reader.get(f"/x/paypal/left/{payment}?token={order}")
    assert back.location == f"/checkout/{order_id()}"
    assert "cancelled" in reader.get(back.location).text
    fake.books.approve(order)
    reader.get(back.location)

    assert not fake.requests("POST", ".*/capture")
    assert states() == ["open"]


def test_nothing_is_offered_until_the_fees_are_set(site):
    """A fee that nobody knows cannot be held against a price."""
    provider = catalogue.providers["paypal"]
    assert provider.quote(Money(500, "EUR"), country="IT").fee == Money(52, "EUR")
    assert provider.quote(Money(500, "USD"), country="IT") is None
    settings.save("paypal.fee_fixed", "", actor="test")

    assert provider.quote(Money(500, "EUR"), country="IT") is None


def test_keys_of_the_wrong_kind_are_neither_kept_nor_used(site, fake, sign_in, monkeypatch):
    """The sandbox on a public site would give all away, live keys on this machine take money."""
    owner, provider = sign_in("owner"), provider_for(fake)
    form = {"environment": "live", "client_id": CLIENT, "secret": "", "fee_percent": "9"}
    here = owner.post("/admin/paypal/keys", **form)
    monkeypatch.setattr("core.hosts._Site.names", ("shop.example.org",))
    with site.test_request_context():
        with pytest.raises(ProviderRefused, match="These are test keys"):
            provider.begin(INTENT, "pay_1")
        assert provider.quote(Money(500, "EUR"), country="IT") is None

    assert (here.status_code, settings.value("paypal.environment")) == (422, "sandbox")
    assert "These are live keys" in here.text
    assert settings.value("paypal.fee_percent") != "9"
    assert fake.requests("POST", "/v2/.*") == []


def said(level: bool | None = None) -> list[str]:
    """Return what the check says, or only what is right or wrong."""
    return [one.words for one in connecting.check() if level in (None, one.ok)]


def test_the_check_says_in_words_what_is_wrong(site, fake, monkeypatch):
    """Each thing that can be wrong has its sentence, and what is right has one too."""
    with site.test_request_context("/", base_url="https://localhost"):
        assert "PayPal no longer has this webhook. Make it again." in said(level=False)
        connecting.make_webhook(connecting.hook(), "test")
        assert said(level=False) == []
        connecting.make_webhook(connecting.hook(), "test")
        assert len(fake.books.webhooks) == 1
        fake.forbidden = {"/v1/customer/disputes", "/v1/reporting"}
        assert len(said(level=False)) == 2
        fake.forbidden = set()
        monkeypatch.setattr("core.hosts._Site.names", ("shop.example.org",))
        assert "test keys" in said(level=False)[0]
        settings.save("paypal.environment", "live", actor="test")
        assert said(level=False) == []
        monkeypatch.setattr("core.hosts._Site.names", ("localhost",))
        assert "live keys" in said(level=False)[0]
        fake.books.webhooks[settings.value("paypal.webhook_id")]["url"] = "https://moved.example"
        assert "The webhook leads to another address. Make it again." in said(level=False)
    settings.save("paypal.secret", "wrong", actor="test")
    assert "Are they the live ones?" in said()[0]
    settings.save("paypal.api_url", "http://127.0.0.1:9", actor="test")
    assert "does not answer" in said()[0]
    settings.save("paypal.client_id", "", actor="test")
    assert said() == ["Client ID and secret are missing."]


def test_the_steps_are_gone_in_the_administration(site, fake, sign_in):
    """Keys are saved and checked, a secret is never shown, a wrong fee saves nothing."""
    owner = sign_in("owner")
    form = {"environment": "sandbox", "client_id": CLIENT, "fee_percent": "2.9", "fee_fixed": "x"}
    wrong = owner.post("/admin/paypal/keys", **form)
    assert wrong.status_code == 422
    assert settings.value("paypal.fee_percent") == "3,40"
    done = owner.post("/admin/paypal/keys", **form | {"fee_fixed": "0.30", "secret": ""})
    page = owner.client.get(done.location).text

    assert "PayPal knows this client ID and secret." in page
    assert SECRET not in page
    assert settings.value("paypal.fee_fixed") == "0.30"
    assert owner.post("/admin/paypal/webhook").status_code == 422  # not an encrypted address


@pytest.mark.parametrize("kind", ["package", "without the package"])
def test_it_runs_with_paypals_package_and_without(fake, tables, monkeypatch, kind):
    """With the import blocked the same order is made, captured and refunded."""
    if kind == "without the package":
        for name in [name for name in sys.modules if name.startswith("paypalrestsdk")]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, "paypalrestsdk", None)
        assert wire.package() is plain.Api
    else:
        assert wire.package().__module__ == "paypalrestsdk.api"
    provider = provider_for(fake)
    step = provider.begin(INTENT, "pay_1")
    fake.books.approve(step.ref)
    facts = provider.act(PAYMENT, Capture(), "pay_1:capture")

    assert facts.state is State.PAID
    assert facts == provider.act(PAYMENT, Capture(), "another-key")
    assert fake.mistakes == []


def test_who_is_not_let_in_is_told_after_two_tries(fake, way):
    """As shipped the package asks 1,946 times and then crashes."""
    assert way.get("/v1/notifications/webhooks") == {"webhooks": [], "debug_id": way_debug(way)}
    fake.lets_in = False
    with pytest.raises(NotLetIn):
        way.get("/v1/notifications/webhooks")

    assert len(fake.requests("GET", ".*/webhooks")) == 4
    assert fake.token_calls == 2


def way_debug(way: Wire) -> str:
    return str(way.get("/v1/notifications/webhooks")["debug_id"])


def test_many_threads_ask_for_one_token(fake, way):
    """And no operation's key goes along with it: the fake refuses one that carries it."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: way.get("/v1/notifications/webhooks"), range(20)))

    assert fake.token_calls == 1


def test_an_answer_that_says_nothing_is_asked_for_once_more(fake, way):
    """With a key or for reading only; a 4xx is a no, and is not repeated."""
    fake.faults += [Fault("look_up", "error"), Fault("look_up", "reset")]
    with pytest.raises(ProviderUnknown):
        way.get("/v2/checkout/orders/5O1")
    with pytest.raises(PayPalRefused) as error:
        way.get("/v2/checkout/orders/5O1")

    assert (error.value.status_code, error.value.issue) == (404, "INVALID_RESOURCE_ID")
    assert len(fake.requests("GET", "/v2/.*")) == 3


@pytest.mark.parametrize("id", ["", "../../v1/x", "a/b", "a?b", "a" * 65, "é", "\\g<0>", "a\n"])
def test_a_hostile_id_enters_no_path(id):
    """Not one request is made for it."""
    with pytest.raises(ProviderRefused):
        path_id(id)


@pytest.mark.parametrize(("money", "value"), [
    (Money(5, "EUR"), "0.05"), (Money(123_456, "EUR"), "1234.56"), (Money(500, "JPY"), "500"),
    (Money(250_000, "HUF"), "2500"), (Money(30_000, "TWD"), "300"),
])  # fmt: skip
def test_amounts_have_paypals_own_scale(money, value):
    """HUF, JPY and TWD have no decimals there; there and back nothing is lost."""
    assert amounts.written(money) == {"currency_code": money.currency, "value": value}
    assert amounts.read(amounts.written(money)) == money


def test_what_has_no_place_at_paypal_is_not_offered():
    """A fraction of a forint, nothing, and other currencies."""
    for money in (Money(50, "HUF"), Money(0, "EUR"), Money(-5, "EUR"), Money(1000, "KWD")):
        assert not amounts.fits(money)
    for percent, fixed in (("", "0.35"), ("3.4", ""), ("x", "0.35"), ("3.401", "0"), ("-1", "0")):
        assert Fees.of(percent, fixed, "EUR") is None


def test_the_statement_leaves_out_what_is_of_other_sites(fake, tables):
    """Charges with their fee, payouts, exchanges as pairs; other invoices are not ours."""
    provider = provider_for(fake)
    provider.begin(INTENT, "pay_1")

    def row(code: str, value: str, invoice: str = "", **more: Any) -> dict[str, Any]:
        return {"transaction_info": {
            "transaction_id": f"{code}{invoice}", "transaction_event_code": code,
            "transaction_initiation_date": "2026-03-02T10:00:00+0000", "transaction_status": "S",
            "transaction_amount": {"currency_code": "EUR", "value": value}, "invoice_id": invoice,
            "fee_amount": {"currency_code": "EUR", "value": "-0.69"},
        } | more}  # fmt: skip

    fake.transactions = [
        row("T0006", "10.00", "pay_1"), row("T0006", "9.00", "pay_elsewhere"),
        row("T0400", "-5.00", fee_amount={"currency_code": "EUR", "value": "0.00"}),
        row("T0200", "-2.00", paypal_reference_id="X1"), row("T0006", "1", transaction_status="P"),
    ]  # fmt: skip
    since, until = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 20, tzinfo=UTC)
    found = list(provider.statement(since, until))[:3]

    assert [(one.kind, one.minor, one.fee) for one in found] == [
        ("charge", 1000, 69), ("payout", -500, 0), ("exchange", -200, 69),
    ]  # fmt: skip
    assert found[2].id == "X1"
    assert len(fake.requests("GET", "/v1/reporting/transactions")) == 2


def test_an_order_fits_the_models_and_the_lengths():
    """As it is sent, and with the longest words."""
    assert mistakes("POST", "/v2/checkout/orders", requests.order(INTENT, "A shop " * 50)) == []


def unit(body: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = body["purchase_units"][0]
    return found


def context(body: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = body["payment_source"]["paypal"]["experience_context"]
    return found


PLANTED: list[Callable[[dict[str, Any]], Any]] = [
    lambda body: body.update(intent="SALE"),
    lambda body: body.update(purchase_unit=body.pop("purchase_units")),
    lambda body: unit(body).update(customid="pay_1"),
    lambda body: unit(body).pop("amount"),
    lambda body: unit(body)["amount"].update(value=10.0),
    lambda body: unit(body)["amount"].update(value="10.005"),
    lambda body: unit(body)["amount"].update(currency_code="JPY"),
    lambda body: unit(body).update(description="x" * 128),
    lambda body: context(body).update(user_action="PAY"),
    lambda body: context(body).update(locale="it_IT"),
    lambda body: context(body).update(return_url=""),
]


@pytest.mark.parametrize("plant", PLANTED)
def test_a_planted_mistake_is_caught(plant):
    """Wrong words, names, kinds, lengths and forms: the check sees each of them."""
    body = copy.deepcopy(json.loads(json.dumps(requests.order(INTENT, "A shop"))))
    plant(body)

    assert mistakes("POST", "/v2/checkout/orders", body)


def test_the_way_is_kept_while_the_keys_stay_the_same(site):
    """And with it its token; another secret makes another."""
    first = chosen.wire()
    assert chosen.wire() is first
    settings.save("paypal.secret", "another", actor="test")

    assert chosen.wire() is not first
