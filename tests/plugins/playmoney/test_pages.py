"""Play money on a site: the bank's page, the messages, and a bank that runs elsewhere."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest

from core import Gate, Grant, Line, Money, Offer, hookimpl, now, settings
from core.ledger import balance
from core.plugins import loaded
from core.storage import execute
from core.verify import verify
from plugins.playmoney.bank import Wish
from plugins.playmoney.chosen import local_bank
from plugins.playmoney.signature import HEADER, sign
from tests.conftest import browser_of
from tests.plugins.playmoney.bank_process import bank_process


@hookimpl
def guard(resource):
    """Sell every resource for twenty cents."""
    line = Line("Read this post", Money(20, "EUR"), "income:posts", (Grant(resource),))
    return Gate(frozenset({resource}), lambda: (Offer("paywall", "Read", (line,)),))


@pytest.fixture
def site(make_site):
    app = make_site("playmoney", settings={"checkout.allow_loss": True})
    shop = ModuleType("shop")
    shop.guard = guard
    loaded().add("shop", shop)
    yield app
    assert verify() == []
    local_bank().log.close()


@pytest.fixture
def client(site):
    return browser_of(site)


def to_the_bank(client) -> str:
    """Take the offer; return the address that the browser is sent to."""
    form = {"resource": "post:hello", "offer": "paywall", "return_to": "/hello"}
    return client.post("/checkout/offer", data=form).location


def begun(language: str = "en") -> str:
    """Begin a payment at the site's bank; return the path of its page."""
    wish = Wish(
        payee="site", key="pay_1", reference="pay_1", minor=20, currency="EUR",
        description="Il pane & <b>", return_url="http://localhost/back", language=language,
    )  # fmt: skip
    return f"/x/playmoney/pay/{local_bank().begin(wish).ref}"


def buttons(page: str) -> list[tuple[str, str]]:
    return re.findall(r'<button[^>]*name="how" value="(\w+)"[^>]*>([^<]+)<', page)


def hear(site, body: bytes, headers: dict[str, str]) -> int:
    """Deliver a message; what follows its answer is done when this returns."""
    with site.test_client().post("/webhooks/playmoney", data=body, headers=headers) as answer:
        return int(answer.status_code)


def order_states() -> list[str]:
    return [row[0] for row in execute("SELECT state FROM orders_order ORDER BY id")]


def test_the_page_says_what_is_paid_and_that_it_is_play(client):
    """Amount, what for, and that no real money is taken; four buttons in one form."""
    page = client.get(begun()).text

    assert "€0.20" in page
    assert "Il pane &amp; &lt;b&gt;" in page
    assert "This is no real money" in page
    assert buttons(page) == [
        ("pay", "Pay"), ("decline", "Decline"), ("slow", "Pay slowly"), ("cancel", "Cancel"),
    ]  # fmt: skip


def test_the_page_speaks_the_payments_language(client):
    """An Italian payment has an Italian page, whatever the browser asks for."""
    page = client.get(begun("it"), headers={"Accept-Language": "en"}).text

    assert '<html lang="it"' in page
    assert "0,20\N{NO-BREAK SPACE}€" in page
    assert [label for _, label in buttons(page)] == [
        "Paga",
        "Rifiuta",
        "Paga lentamente",
        "Annulla",
    ]
    assert "Questo non è denaro vero" in page


@pytest.mark.parametrize(("how", "words"), [
    ("pay", "This payment is paid."), ("slow", "This payment is on its way."),
    ("cancel", "This payment can no longer be paid."),
])  # fmt: skip
def test_a_payment_that_is_over_has_no_buttons(client, how, words):
    """The page says how it ended and leads back to the site."""
    path = begun()
    client.post(path, data={"how": how})
    page = client.get(path).text

    assert buttons(page) == []
    assert words in page
    assert 'href="http://localhost/back"' in page


def test_a_declined_payment_can_be_tried_again(client):
    """The page says that the last try was declined, and keeps its buttons."""
    path = begun()
    client.post(path, data={"how": "decline"})
    page = client.get(path).text

    assert "The last try was declined" in page
    assert len(buttons(page)) == 4


@pytest.mark.parametrize("how", ["pay", "decline", "slow", "cancel"])
def test_the_way_back_is_what_the_site_asked_for(client, how):
    """The return address is the bank's own note, and nothing that the browser sends changes it."""
    path = begun()
    sent = {"how": how, "return_url": "http://evil.example/", "return_to": "http://evil.example/"}
    answer = client.post(f"{path}?return_url=http://evil.example/", data=sent)

    assert (answer.status_code, answer.location) == (303, "http://localhost/back")


def test_paying_twice_only_leads_back_twice(client):
    """The second press of the button is no error and no second charge."""
    path = begun()
    answers = [client.post(path, data={"how": "pay"}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [303, 303]
    assert len(local_bank().charges()) == 1


@pytest.mark.parametrize("how", ["", "abandon", "PAY", "pay "])
def test_only_the_buttons_can_be_pressed(client, how):
    """Any other word is refused and does nothing."""
    path = begun()

    assert client.post(path, data={"how": how}).status_code == 400
    assert local_bank().charges() == []


def test_a_form_on_another_site_cannot_pay(client):
    """The browser says where a form stands."""
    headers = {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}

    assert client.post(begun(), data={"how": "pay"}, headers=headers).status_code == 403
    assert local_bank().charges() == []


def test_an_unknown_payment_has_no_page(client):
    """Neither a guessed reference nor a payment that was let go before it began."""
    buried = local_bank().cancel("site", "pay_9").ref

    assert client.get("/x/playmoney/pay/pm_unknown").status_code == 404
    assert client.get(f"/x/playmoney/pay/{buried}").status_code == 404
    assert client.post(f"/x/playmoney/pay/{buried}", data={"how": "pay"}).status_code == 404


def test_messages_alone_settle_an_order(client, site):
    """A reader who never comes back has paid; repeated and out of order it is booked once."""
    ref = to_the_bank(client).rsplit("/", 1)[1]
    local_bank().pay(ref, "decline")
    local_bank().pay(ref, "pay")
    messages = local_bank().deliveries()
    for message in [*reversed(messages), *messages]:
        assert hear(site, message.body, message.headers) == 204

    assert order_states() == ["paid"]
    assert balance("income:posts", "EUR", "test").minor == -20
    assert balance("assets:playmoney", "EUR", "test").minor == -5
    assert balance("expenses:fees:playmoney", "EUR", "test").minor == 25


def test_what_a_message_says_is_not_believed(client, site):
    """A signed message that says “paid” only makes the site ask; the bank says it is not."""
    path = to_the_bank(client)
    local_bank().pay(path.rsplit("/", 1)[1], "decline")
    (message,) = local_bank().deliveries()
    body = message.body.replace(b"declined", b"paid")
    headers = {HEADER: sign(local_bank().secret, body, now())}

    assert hear(site, body, message.headers) == 400
    assert hear(site, body, headers) == 204
    assert order_states() == ["open"]


def test_a_foreign_message_is_taken_and_changes_nothing(client, site):
    """A message for another payee is answered, noted and forgotten."""
    wish = Wish(
        payee="another", key="k", reference="k", minor=20, currency="EUR", description="",
        return_url="http://elsewhere.example/",
    )  # fmt: skip
    local_bank().pay(local_bank().begin(wish).ref, "pay")
    (message,) = local_bank().deliveries()

    assert hear(site, message.body, message.headers) == 204
    assert execute("SELECT COUNT(*) FROM payments_delivery").fetchone()[0] == 0
    noted = execute("SELECT COUNT(*) FROM audit_event WHERE action = 'webhook.foreign'")
    assert noted.fetchone()[0] == 1


def test_a_slow_payment_takes_as_long_as_the_owner_set(client):
    """With no wait at all it is paid when the reader is back."""
    settings.save("playmoney.slow_seconds", 0, actor="test")
    back = client.post(to_the_bank(client), data={"how": "slow"}).location

    assert client.get(back).location == "/hello"
    assert order_states() == ["paid"]


def test_a_slow_payment_waits(client):
    """Until then the page says that the payment is on its way."""
    back = client.post(to_the_bank(client), data={"how": "slow"}).location

    assert "on its way" in client.get(back).text
    assert order_states() == ["open"]


def test_the_bank_can_run_elsewhere(client, tmp_path: Path, monkeypatch):
    """With its address and secret set, payments go there, and the site has no page of its own."""
    path = begun()
    with bank_process(tmp_path, "--webhooks", "hold") as process:
        monkeypatch.setenv("OBOLO_PLAYMONEY__BANK_URL", process.url)
        monkeypatch.setenv("OBOLO_PLAYMONEY__SECRET", process.secret.decode())
        page = to_the_bank(client)
        assert page.startswith(f"{process.url}/pay/")
        assert process.choose(page.rsplit("/", 1)[1], "pay") == 303
        (order,) = execute("SELECT id FROM orders_order").fetchone()

        assert client.get(f"/checkout/{order}").location == "/hello"
        assert client.get(path).status_code == 404
    assert order_states() == ["paid"]


def test_a_bank_that_is_down_leaves_the_order_open(client, monkeypatch):
    """No answer is no refusal: the reader sees the order, and can go on later."""
    monkeypatch.setenv("OBOLO_PLAYMONEY__BANK_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("OBOLO_PLAYMONEY__SECRET", "secret")
    answer = client.get(to_the_bank(client))

    assert answer.status_code == 200
    assert order_states() == ["open"]
