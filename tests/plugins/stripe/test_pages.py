"""The owner's page: from keys to the first sale, and in words what does not work."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core import hosts
from core.money import Money
from core.payments import Intent, ProviderRefused
from core.plugins import catalogue
from core.settings import save, value
from core.storage import execute
from core.testing import browser_of
from core.testing.people import Person, signed_in
from plugins.stripe import connecting, views
from tests.plugins.stripe.fake_server import KEY, PUBLISHABLE, SECRET, Fault, Stand, running

PAGE = "/admin/stripe/"
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture(scope="module")
def shared() -> Iterator[Stand]:
    with running() as one:
        yield one


@pytest.fixture
def stand(shared: Stand) -> Iterator[Stand]:
    yield shared
    assert shared.wrong == []


@pytest.fixture
def owner(make_site: Any, stand: Stand, cheap_hashes: None) -> Iterator[Person]:
    """Return the owner of a site that has no key yet, on this machine."""
    app = make_site("stripe", settings={"stripe.api_url": stand.url})
    yield signed_in(browser_of(app), "owner")
    hosts.set_names(())


def keys(person: Person, secret: str = KEY, publishable: str = PUBLISHABLE) -> Any:
    return person.post("/admin/stripe/keys", secret=secret, publishable=publishable)


def words(person: Person, language: str = "en") -> str:
    person.client.set_cookie("language", language)
    page = person.client.get(f"{PAGE}?check=1")
    assert page.status_code == 200, page.text
    return page.text


def test_keys_are_tried_and_kept(owner):
    """The secret is never shown again, and the site gets a name and the fees of its country."""
    answer = keys(owner)
    page = words(owner)

    assert (answer.status_code, answer.location) == (303, f"{PAGE}?done=keys")
    assert value("stripe.secret_key") == KEY
    assert value("stripe.site").startswith("site_")
    assert value("stripe.fees") == "EEA"
    assert KEY not in page
    assert re.search(r"Stripe answers, for the account acct_\d+\.", page)
    assert KEY not in str(execute("SELECT * FROM settings_value").fetchall())


@pytest.mark.parametrize(("secret", "publishable", "said"), [
    ("pk_test_x", PUBLISHABLE, "A secret key starts with"),
    (KEY, "sk_test_x", "A publishable key starts with"),
    (KEY, "pk_live_x", "One of the keys is for tests"),
    ("sk_test_wrong", PUBLISHABLE, "Stripe does not know this secret key"),
    ("sk_live_x", "pk_live_x", "These are live keys"),
    (f"{KEY}\n{KEY}", PUBLISHABLE, "Stripe"),
])  # fmt: skip
def test_keys_that_do_not_work_are_refused_in_words(owner, secret, publishable, said):
    """Wrong, of two kinds, or live on this machine: nothing is kept, what was typed stays."""
    answer = keys(owner, secret, publishable)

    assert answer.status_code in (422, 403, 409)
    assert said in answer.text
    assert publishable in answer.text
    assert secret not in answer.text
    assert value("stripe.secret_key") == ""


def test_test_keys_are_refused_on_a_public_site(owner):
    """Everybody could buy for nothing."""
    hosts.set_names(["shop.example.com"])
    answer = keys(owner)

    assert "These are test keys" in answer.text
    assert value("stripe.secret_key") == ""


def test_test_keys_begin_nothing_on_a_public_site(owner, stand):
    """Where keys were kept before the site became public nobody is led to Stripe."""
    keys(owner)
    hosts.set_names(["shop.example.com"])
    provider, before = catalogue.providers["stripe"], len(stand.calls)
    intent = Intent("pay_1", "ord_1", "gst_1", Money(100, "EUR"), "A", "http://localhost/", "en")
    for inline in (False, True):
        with pytest.raises(ProviderRefused, match="These are test keys"):
            provider.begin(replace(intent, inline=inline), "pay_1")

    assert provider.quote(Money(100, "EUR"), country="IT") is None
    assert len(stand.calls) == before


def test_the_webhook_is_made_with_its_events_and_its_secret(owner, stand, monkeypatch):
    """The one before goes, and its secret is good for a while."""
    keys(owner)
    monkeypatch.setattr(views, "_webhook", lambda: "https://shop.example.com/webhooks/stripe")
    first = owner.post("/admin/stripe/webhook")
    secret, id = value("stripe.webhook_secret"), value("stripe.webhook_id")
    made = stand.fake.things[id]
    owner.post("/admin/stripe/webhook")

    assert first.status_code == 303
    assert made["url"] == "https://shop.example.com/webhooks/stripe"
    assert {"charge.updated", "charge.dispute.created"} <= set(made["enabled_events"])
    assert value("stripe.webhook_secret_before") == secret
    assert value("stripe.webhook_secret") not in ("", secret)
    assert value("stripe.webhook_id") != id
    assert id not in stand.fake.things


def test_a_webhook_needs_a_key_and_an_address(owner):
    """On this machine Stripe reaches nobody."""
    without = owner.post("/admin/stripe/webhook")
    keys(owner)
    here = owner.post("/admin/stripe/webhook")

    assert "Keep your keys first." in without.text
    assert "Stripe reports only to a public address" in here.text


def test_the_domain_is_registered_and_looked_at(owner, stand):
    """What a wallet says of the domain is told in its words."""
    keys(owner)
    answer = owner.post("/admin/stripe/domain")
    page = words(owner)
    stand.fake.of_kind("payment_method_domain")[0]["apple_pay"] = {
        "status": "inactive", "status_details": {"error_message": "Not reachable."},
    }  # fmt: skip

    assert answer.location == f"{PAGE}?check=1"
    assert "Apple Pay can be shown on localhost." in page
    assert "Apple Pay cannot be shown on localhost: Not reachable." in words(owner)


@pytest.mark.parametrize(("change", "english", "italian"), [
    ({}, "Stripe reports nothing yet", "Stripe non invia ancora notifiche"),
    ({"status": "disabled"}, "switched off at Stripe", "disattivato presso Stripe"),
    ({"enabled_events": ["refund.created"]}, "leaves out", "mancano"),
    ({"id": "gone"}, "gone at Stripe", "non esiste più"),
])  # fmt: skip
def test_what_is_wrong_with_the_webhook_is_said(owner, stand, change, english, italian):
    """Missing, switched off, short of events, or deleted: in both languages."""
    keys(owner)
    if change:
        stand.listen("https://shop.example.com/webhooks/stripe")
        endpoint = stand.fake.of_kind("webhook_endpoint")[0]
        save("stripe.webhook_secret", SECRET, "test")
        save("stripe.webhook_id", change.get("id", endpoint["id"]), "test")
        endpoint.update({k: v for k, v in change.items() if k != "id"})

    assert english in words(owner)
    assert italian in words(owner, "it")


def test_a_clock_that_is_off_is_said(owner, monkeypatch):
    """Messages of another time are refused, so the owner must know."""
    keys(owner)
    real = connecting.now
    monkeypatch.setattr(connecting, "now", lambda: real() + timedelta(seconds=200))

    assert re.search(r"The clock of this machine is \d+ seconds off", words(owner))


def test_stripe_may_be_silent(owner, stand):
    """No answer is said as such, and breaks no page."""
    keys(owner)
    stand.faults.append(Fault("look_up", "garbage"))

    assert "Stripe does not answer right now." in words(owner)


def test_apples_file_is_given_as_it_is(owner):
    """Anybody may read it, as text, without a redirect; without one there is no page."""
    address = "/.well-known/apple-developer-merchantid-domain-association"
    none = owner.client.get(address).status_code
    save("stripe.domain_file", "7B227073704964", "test")
    answer = owner.client.get(address)

    assert none == 404
    assert (answer.status_code, answer.text) == (200, "7B227073704964")
    assert answer.content_type == "text/plain; charset=utf-8"
