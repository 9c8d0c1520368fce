"""Holes of other shops' payment plugins, tried on Stripe's and PayPal's ways here, over HTTP.

Each is refused and changes nothing; where a weak twin is cheap, the same attack gets through it.
The list of all cases stands in test_replays.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from core import audit, limits, orders
from core.checkout import settling
from core.limits import DOORS, Limit
from core.payments import Hint, State, records
from core.plugins import catalogue
from core.storage import execute
from core.testing import browser_of
from core.verify import verify
from core.web import checkout as pages
from tests.plugins.paypal import fake as paypal
from tests.plugins.posts.texts import bring, write
from tests.plugins.stripe import fake_server as stripe
from tests.proofs.test_replays_of_input import ELSEWHERE, leads_elsewhere
from tests.proofs.tills import ByPayPal, ByStripe
from tests.stand_in import charge

pytestmark = [
    pytest.mark.proof,
    pytest.mark.xdist_group("stripe"),
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]
CHEAP, DEAR = "cheap", "dear"
PRICES = {CHEAP: "1.00", DEAR: "5.00"}
PAID_TEXT = "Only for those who paid."


@dataclass
class Shop:
    """A site that sells two posts by one provider, and its stand-in."""

    app: Flask
    till: Any

    def reader(self) -> FlaskClient:
        """Return somebody new."""
        return browser_of(self.app)

    def orders(self, client: FlaskClient, post: str = DEAR, **more: str) -> tuple[str, str]:
        """Take the offer of a post; return the order and what the provider calls its payment."""
        form = {"resource": f"post:{post}", "offer": "paywall", "return_to": f"/{post}", **more}
        answer = client.post("/checkout/offer", data=form)
        assert answer.status_code == 303, answer.text
        payment = records.of_order(execute("SELECT MAX(id) FROM orders_order").fetchone()[0])[-1]
        return payment.order, str(payment.ref)

    def hears(self, headers: dict[str, str], body: bytes) -> int:
        """Send something to where the provider reports."""
        headers = {**headers, "Content-Type": "application/json"}
        return self.app.test_client().post(
            f"/webhooks/{self.till.name}", data=body, headers=headers, buffered=True
        ).status_code  # fmt: skip

    def changed(self) -> tuple[Any, ...]:
        """Return all that money or messages could have changed."""
        return tuple(
            execute(f"SELECT {what} FROM {where}").fetchall()
            for what, where in (
                ("id, state", "orders_order"), ("key", "ledger_entry"), ("id", "payments_payment"),
                ("holder, key", "entitlements_entitlement"), ("event_id", "payments_delivery"),
            )
        )  # fmt: skip


def reads(client: FlaskClient, post: str = DEAR) -> bool:
    """Tell whether somebody reads what is paid for."""
    return PAID_TEXT in client.get(f"/{post}").text


@pytest.fixture(scope="module")
def tills() -> Iterator[dict[str, Any]]:
    with stripe.running() as stand, paypal.running() as fake:
        yield {"stripe": ByStripe(stand), "paypal": ByPayPal(fake)}
        assert stand.wrong == []
        assert fake.mistakes == []


@pytest.fixture(params=["stripe", "paypal"])
def shop(request: Any, make_site: Any, tmp_path: Any, tills: dict[str, Any]) -> Iterator[Shop]:
    till = tills[request.param]
    if request.param == "stripe":
        till.fake.things.clear()
    else:
        till.books.orders.clear()
    app = make_site(
        "posts", "paywall", till.name, settings={**till.settings(), "checkout.allow_loss": True}
    )
    for name, price in PRICES.items():
        text = f"For all.\n\n<!-- more -->\n\n{PAID_TEXT}\n"
        write(tmp_path / "texts", name, text, price=f"{price} EUR")
    bring(app, tmp_path / "texts")
    limits.set_key(bytes(32), factor=100_000)
    yield Shop(app, till)
    assert verify() == []


by_stripe = pytest.mark.parametrize("shop", ["stripe"], indirect=True)
by_paypal = pytest.mark.parametrize("shop", ["paypal"], indirect=True)
JSON = {"Accept": "application/json"}


def came_back(shop: Shop, client: FlaskClient, ref: str) -> str:
    """Follow the provider's way back; return where it leads."""
    return str(client.get(shop.till.back(ref)).location)


def test_7_one_provider_object_pays_one_order(shop):
    """Paid for the cheap post, named by the dear one: as its reference, and in its return."""
    client = shop.reader()
    _, paid = shop.orders(client, CHEAP)
    dear, _ = shop.orders(client, DEAR)
    shop.till.pays(paid)
    assert came_back(shop, client, paid).endswith("/cheap")
    before = shop.changed()
    for name in ("token", "session_id", "payment_intent", "order_id", "ref"):
        client.get(f"/checkout/{dear}?{name}={paid}&PayerID=X&redirect_status=succeeded")
    assert shop.changed() == before

    payment = replace(records.of_order(dear)[0], ref=paid)  # as if the site had taken that id
    provider = catalogue.providers[shop.till.name]
    settling.settle(provider, payment.id, provider.look_up(payment))
    assert not reads(client)
    assert shop.till.taken() == [100]
    assert shop.till.is_paid(paid)  # a handler that asks for no more opens the dear one


def test_5_what_the_provider_did_not_sign_for_this_site_is_refused(shop, monkeypatch):
    """No signature, another secret, another body: 400, nothing kept, and an entry in the audit."""
    client = shop.reader()
    _, ref = shop.orders(client)
    before = shop.changed()
    for headers, body in shop.till.forged(ref):
        assert shop.hears(headers, body) == 400
    assert shop.changed() == before
    assert len(audit.events(action="webhook.forged")) == 5

    provider = catalogue.providers[shop.till.name]
    reference = records.pointed_at(shop.till.name, Hint("x", ref=ref)).id
    monkeypatch.setattr(type(provider), "hear", lambda *_: [Hint("WH", reference=reference)])
    assert shop.hears(*shop.till.forged(ref)[0]) == 204  # who checks no signature takes it


def test_6_a_message_that_claims_payment_is_only_a_hint(shop, monkeypatch):
    """A genuine signature on “it is paid” opens nothing while the provider knows of no money."""
    client = shop.reader()
    order, ref = shop.orders(client)
    before = shop.changed()[:-1]
    assert shop.hears(*shop.till.message(ref)) == 204
    assert shop.changed()[:-1] == before
    assert not reads(client)

    provider = catalogue.providers[shop.till.name]
    real = type(provider).look_up

    def believing(self: Any, payment: Any) -> Any:
        told = charge("made_up", payment.amount.minor, payment.amount.currency)
        return replace(real(self, payment), state=State.PAID, movements=(told,))

    monkeypatch.setattr(type(provider), "look_up", believing)
    client.get(f"/checkout/{order}")
    assert reads(client)  # who takes a message at its word


PRICES_SENT = ("amount", "price", "minor", "total", "unit_amount", "currency", "fee", "data",
               "client_secret", "value", "hold", "intent", "description")  # fmt: skip


def test_8_the_price_is_the_sites_own(shop):
    """In the form, at the choice of the way, inline, and in the return address: never read."""
    client, tampered = shop.reader(), dict.fromkeys(PRICES_SENT, "1")
    order, ref = shop.orders(client, DEAR, **tampered)
    chosen = {"provider": shop.till.name, **tampered}
    client.post(f"/checkout/{order}/pay", data=chosen)
    if shop.till.name == "stripe":
        inline = client.post(
            f"/checkout/{order}/pay", data={**chosen, "inline": "1"}, headers=JSON
        ).get_json()
        intent = shop.till.fake.things[inline["ref"]]
        assert (intent["amount"], intent["currency"]) == (500, "eur")
        assert intent["capture_method"] != "manual"
        ref = inline["ref"]
        shop.till.pays(ref)
    else:
        shop.till.pays(ref)
    query = "&".join(f"{name}=1" for name in PRICES_SENT)
    client.get(f"/checkout/{order}?{query}&token={ref}")

    assert shop.till.taken() == [500]
    assert reads(client)


def test_9_a_leaked_return_address_is_nobody_elses(shop, monkeypatch):
    """A stranger with the whole address sees nothing and gets nothing; its reader does."""
    client, stranger = shop.reader(), shop.reader()
    order, ref = shop.orders(client)
    shop.orders(stranger, CHEAP)  # somebody with a cookie of their own
    shop.till.pays(ref)
    leaked = shop.till.back(ref)
    states = []
    for somebody in (stranger, shop.reader()):
        states.append(somebody.get(leaked).status_code)
        states += [
            somebody.post(f"/checkout/{order}/pay", data={"provider": shop.till.name}).status_code,
            somebody.post(f"/checkout/{order}/contact", data={"email": "a@b.example"}).status_code,
            somebody.get(f"/library/{order}").status_code,
        ]
        assert not reads(somebody)
    assert set(states) == {404}
    assert shop.till.taken() in ([], [500])  # PayPal is captured only for whose order it is

    assert came_back(shop, client, ref).endswith("/dear")
    assert reads(client)
    monkeypatch.setattr(pages, "_own", lambda id, reader: orders.find(id))
    assert came_back(shop, stranger, ref).endswith("/dear")  # who does not look whose it is


def test_9_a_return_that_is_repeated_takes_and_opens_nothing_more(shop):
    """However often, before paying and after it, by a browser and beside a message."""
    client = shop.reader()
    _, ref = shop.orders(client)
    before = shop.changed()
    for _ in range(3):
        client.get(shop.till.back(ref))
    assert shop.changed() == before
    shop.till.pays(ref)
    client.get(shop.till.back(ref))
    paid = shop.changed()
    for _ in range(3):
        client.get(shop.till.back(ref))

    assert shop.till.taken() == [500]
    assert shop.changed() == paid
    assert paid != before


@by_paypal
def test_9_who_leaves_another_ones_page_lets_nothing_go(shop):
    """The way back without paying asks for PayPal's own id of that very order."""
    client = shop.reader()
    order, ref = shop.orders(client)
    _, mine = shop.orders(shop.reader())
    payment = records.of_order(order)[0].id
    for token in ("", "x", mine, f"{ref}x", payment, order):
        answer = shop.reader().get(f"/x/paypal/left/{payment}?token={token}")
        assert answer.status_code == 404
    shop.till.pays(ref)
    came_back(shop, client, ref)

    assert reads(client)


def test_23_nobody_is_led_elsewhere_after_paying(shop):
    """Each form of another site's address as the page to come back to ends on this one."""
    client, led = shop.reader(), []
    for to in ELSEWHERE[::6]:
        order, ref = shop.orders(client, CHEAP, return_to=to)
        led.append(
            execute("SELECT return_to FROM orders_order WHERE id = ?", [order]).fetchone()[0]
        )
    shop.till.pays(ref)
    led.append(client.get(shop.till.back(ref)).location)
    led.append(client.post("/checkout/offer", data={
        "resource": "post:cheap", "offer": "paywall", "return_to": "//evil.example",
    }).location)  # fmt: skip

    assert [one for one in led if leads_elsewhere(one)] == []


def doors_of(monkeypatch: Any, **limit: tuple[Limit, ...]) -> None:
    """Let the door to pay have these limits and no other."""
    bare = dict.fromkeys(("holder", "address", "network", "site"), ())
    monkeypatch.setitem(DOORS, "pay", replace(DOORS["pay"], **{**bare, **limit}))
    limits.set_key(bytes(32), factor=1)


def tries(
    shop: Shop, client: FlaskClient, order: str, times: int, address: str, **more: str
) -> Any:
    """Try to pay an order so often; return the statuses."""
    data = {"provider": shop.till.name, **more}
    return [
        client.post(
            f"/checkout/{order}/pay", data=data, headers=JSON if more else {},
            environ_base={"REMOTE_ADDR": address},
        ).status_code
        for _ in range(times)
    ]  # fmt: skip


SIDES = {
    "holder": "203.0.{0}.1", "address": "203.0.113.7", "network": "203.0.113.{0}",
    "site": "203.0.{0}.1",
}  # fmt: skip


@pytest.mark.parametrize("side", SIDES)
def test_26_cards_are_tried_by_one_door_whatever_leads_there(shop, monkeypatch, side):
    """The offer's button, the choice of a way, an express button: they count together."""
    readers = [shop.reader()] * 6 if side == "holder" else [shop.reader() for _ in range(6)]
    made = [(reader, shop.orders(reader)[0]) for reader in readers]
    execute("DELETE FROM limits_hit")
    doors_of(monkeypatch, **{side: (Limit(3, 3600),)})
    offer = {"resource": f"post:{DEAR}", "offer": "paywall", "return_to": f"/{DEAR}"}
    inline = {"provider": shop.till.name, "inline": "1"} if shop.till.inline else {}
    statuses = []
    for number, (reader, order) in enumerate(made):
        path, form = [
            ("/checkout/offer", offer), (f"/checkout/{order}/pay", {"provider": shop.till.name}),
            ("/checkout/offer", {**offer, **inline}),
        ][number % 3]  # fmt: skip
        headers = JSON if "inline" in form else {}
        place = {"REMOTE_ADDR": SIDES[side].format(number + 1)}
        statuses.append(reader.post(path, data=form, headers=headers, environ_base=place).status)

    assert [status < "400" for status in statuses] == [True] * 3 + [False] * 3, statuses
    assert {status[:3] for status in statuses[3:]} == {"429"}


def test_26_declined_tries_count_and_one_button_ends_all(shop, monkeypatch):
    """A card that is refused at the provider was a try here; a plugin that is off takes nothing."""
    doors_of(monkeypatch, holder=(Limit(2, 3600),))
    client = shop.reader()
    order, ref = shop.orders(client)
    for _ in range(2):
        shop.till.declines(ref)
        client.get(shop.till.back(ref))
        tries(shop, client, order, 1, "203.0.113.7")
        ref = str(records.of_order(order)[-1].ref)
    (limited,) = tries(shop, client, order, 1, "203.0.113.7")
    made = len(records.of_order(order))
    monkeypatch.setattr(pages, "allow_door", lambda _: None)
    (let_in,) = tries(shop, client, order, 1, "203.0.113.7")
    monkeypatch.setitem(catalogue.providers, shop.till.name, None)
    catalogue.providers.pop(shop.till.name)

    assert (limited, let_in) == (429, 303)
    assert made <= 3
    assert tries(shop, client, order, 1, "203.0.113.7") == [403]
    assert shop.till.taken() == []
    assert not reads(client)
