"""A message that is not the bank's, or not for us, changes nothing and leaves one audit line.

Before and after each one every row of every table is compared. Left out is `limits_hit` alone,
where each knock at a door is counted, whoever knocks.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from types import ModuleType

import pytest

from core import limits
from core.access import Gate
from core.clock import now
from core.hookspecs import hookimpl
from core.orders import Grant, Line, Offer
from core.payments import Hint, records
from core.plugins import catalogue, loaded
from core.storage import execute, is_postgres
from core.verify import verify
from core.web.webhooks import MOST_BYTES
from plugins.playmoney.bank import Wish
from plugins.playmoney.chosen import local_bank
from plugins.playmoney.provider import PlayMoney
from plugins.playmoney.signature import HEADER, sign
from tests.conftest import browser_of
from tests.stand_in import eur

PRICE = 300
FORGED, FOREIGN = "webhook.forged", "webhook.foreign"
TOO_LATE = timedelta(seconds=301)

pytestmark = pytest.mark.proof


@pytest.fixture
def site(make_site):
    app = make_site("playmoney")
    limits.set_key(bytes(32), factor=100)
    shop = ModuleType("shop")
    shop.guard = hookimpl(guard)
    loaded().add("shop", shop)
    yield app
    assert verify() == []
    local_bank().log.close()


def guard(resource):
    line = Line("Read this post", eur(PRICE), "income:posts", (Grant(resource),))
    return Gate(frozenset({resource}), lambda: (Offer("paywall", "Read", (line,)),))


@pytest.fixture
def genuine(site):
    """Return the bank's message that an order of ours is paid, which nobody told the site yet."""
    form = {"resource": "post:hello", "offer": "paywall", "return_to": "/library/"}
    browser_of(site).post("/checkout/offer", data=form)
    (order,) = execute("SELECT id FROM orders_order").fetchone()
    (payment,) = records.of_order(order)
    local_bank().pay(payment.ref, "pay")
    return local_bank().deliveries()[-1]


def rows():
    """Return every row of every table but the counters of visits."""
    names = "SELECT name FROM sqlite_master WHERE type = 'table'"
    if is_postgres():
        names = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    tables = {row[0] for row in execute(names).fetchall()} - {"limits_hit"}
    return Counter(
        (table, *map(str, row))
        for table in tables
        for row in execute(f'SELECT * FROM "{table}"').fetchall()
    )


def deliver(site, headers, body):
    """Send a message as a provider does; return the status, and all rows that went and came."""
    before = rows()
    answer = site.test_client().post(
        "/webhooks/playmoney", data=body, headers=headers, buffered=True
    )
    after = rows()
    return answer.status_code, before - after, after - before


def signed(body, at=None, secret=None):
    """Return headers and body as whoever has the secret would send them."""
    key = local_bank().secret if secret is None else secret
    return {HEADER: sign(key, body, at or now())}, body


def forgeries(genuine):
    """Return messages that are not the bank's, by what is wrong with them."""
    body, header = genuine.body, genuine.headers[HEADER]
    event = json.loads(body)
    seconds, _, digest = header.removeprefix("t=").partition(",v1=")
    cheaper = json.dumps(event | {"amount": 1}).encode()
    other = json.dumps(event | {"reference": "pay_other"}).encode()
    yield "nothing", ({}, b"")
    yield "no signature", ({}, body)
    yield "another secret", signed(body, secret=b"not the secret of this bank")
    yield "an empty secret", signed(body, secret=b"")
    yield "another amount", ({HEADER: header}, cheaper)
    yield "another payment", ({HEADER: header}, other)
    yield "one byte more", ({HEADER: header}, body + b" ")
    yield "stale", signed(body, now() - TOO_LATE)
    yield "a year old", signed(body, now() - timedelta(days=365))
    yield "of the future", signed(body, now() + TOO_LATE + timedelta(seconds=1))
    yield "another time, same digest", ({HEADER: f"t={int(seconds) + 1},v1={digest}"}, body)
    for name, text in {
        "empty": "", "odd": "=", "no figures": "t=,v1=", "no digest": f"t={seconds},v1=",
        "capitals": header.upper(), "twice": f"{header},{header}", "half": header[:40],
        "long": header * 1000, "not ASCII": "\xe9" * 80, "a bare digest": digest,
    }.items():  # fmt: skip
        yield f"signature: {name}", ({HEADER: text}, body)
    for name, text in {
        "not UTF-8": b"\xff\xfe", "a list": b"[]", "null": b"null", "no fields": b"{}",
        "wrong kinds": b'{"id": 1, "payee": [], "reference": {}, "ref": null}',
        "deep": b"[" * 100_000,
    }.items():  # fmt: skip
        yield f"signed, but {name}", signed(text)
    yield "signed, but too large", signed(body + b" " * MOST_BYTES)


def guilty(site, messages, status, action):
    """Return what did not answer as it must, did something, or left no audit line or several."""
    found = {}
    for name, (headers, body) in messages:
        answered, went, came = deliver(site, headers, body)
        audited = [row for row in came if row[0] == "audit_event" and action in row]
        if answered not in status or went or len(came) != 1 or len(audited) != 1:
            found[name] = (answered, went, came)
    return found


def test_what_is_not_the_banks_is_refused_and_changes_nothing(site, genuine):
    """Forged, tampered, stale, of the future, malformed or too large: 400, and one line."""
    too_large = "signed, but too large"
    plain = [one for one in forgeries(genuine) if one[0] != too_large]

    assert guilty(site, plain, [400], FORGED) == {}


def test_what_is_too_large_is_refused_and_changes_nothing(site, genuine):
    """It is not even read: 413, and one line."""
    large = [one for one in forgeries(genuine) if one[0] == "signed, but too large"]

    assert guilty(site, large, [400, 413], FORGED) == {}


def test_what_is_for_another_payee_is_taken_and_changes_nothing(site, genuine):
    """The bank is answered, so that it does not try for days, and one line is left."""
    wish = Wish(
        payee="another", key="k", reference="pay_theirs", minor=PRICE, currency="EUR",
        description="x", return_url="https://other.example/",
    )  # fmt: skip
    local_bank().pay(local_bank().begin(wish).ref, "pay")
    message = local_bank().deliveries()[-1]

    assert guilty(site, [("foreign", (message.headers, message.body))], [204], FOREIGN) == {}


def test_what_is_about_a_payment_of_another_site_is_kept_as_done_and_changes_nothing(site, genuine):
    """Two sites may be one payee: beside the audit line only the inbox knows of the message."""
    wish = Wish(
        payee="site", key="k", reference="pay_theirs", minor=PRICE, currency="EUR",
        description="x", return_url="https://other.example/",
    )  # fmt: skip
    local_bank().pay(local_bank().begin(wish).ref, "pay")
    message = local_bank().deliveries()[-1]
    status, went, came = deliver(site, message.headers, message.body)

    assert (status, went) == (204, Counter())
    assert sorted(row[0] for row in came) == ["audit_event", "payments_delivery"]
    assert execute("SELECT next_try FROM payments_delivery").fetchone()[0] is None
    assert deliver(site, message.headers, message.body) == (204, Counter(), Counter())


def test_a_message_at_another_door_changes_nothing(site, genuine):
    """An unknown provider is not found, and a message is a POST."""
    before = rows()
    client = site.test_client()
    for path in ("/webhooks/nobody", "/webhooks/", "/webhooks/playmoney/x"):
        answer = client.post(path, data=genuine.body, headers=genuine.headers)
        assert answer.status_code in (403, 404), path
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        answer = client.open("/webhooks/playmoney", method=method, headers=genuine.headers)
        assert answer.status_code == 405, method

    assert rows() == before


def test_the_genuine_message_settles_once(site, genuine):
    """After all forgeries the bank's own word is still believed, and a repeat changes nothing."""
    for _, (headers, body) in forgeries(genuine):
        deliver(site, headers, body)
    status, _, came = deliver(site, genuine.headers, genuine.body)
    again = local_bank().deliveries()[-1]

    assert status == 204
    assert {"ledger_entry", "entitlements_entitlement"} <= {row[0] for row in came}
    assert execute("SELECT state FROM orders_order").fetchone()[0] == "paid"
    assert deliver(site, again.headers, again.body) == (204, Counter(), Counter())


class Believing(PlayMoney):
    """Weak twin: whoever sends something is the bank."""

    def hear(self, request):
        """Point where the message points, without a look at its signature."""
        try:
            event = json.loads(request.body)
            return [Hint(event["id"], event["reference"])]
        except (ValueError, KeyError, TypeError, RecursionError):
            return []


def test_weak_twin_that_checks_no_signature_is_caught(site, genuine):
    """The same comparison finds what a forged message changed."""
    strong = catalogue.providers["playmoney"]
    catalogue.providers["playmoney"] = Believing(strong._reach, strong.payee)
    found = guilty(site, forgeries(genuine), [400], FORGED)
    status, _, came = found["no signature"]

    assert status == 204
    assert {"ledger_entry", "entitlements_entitlement"} <= {row[0] for row in came}
