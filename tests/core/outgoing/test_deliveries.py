"""Deliveries: stored with the fact, signed, tried again for three days, then given up."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from contextlib import suppress
from datetime import timedelta

import pytest
import time_machine

from core import http, notices, outgoing
from core.clock import now
from core.outgoing import deliveries
from core.outgoing.deliveries import PAUSES
from core.outgoing.endpoints import secrets_of
from core.storage import transaction
from tests.core.web.api.machines import sold, stand_in
from tests.people import make_user

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _drawn():
    """Draw every order alike."""
    outgoing.set_drawing(lambda order: json.dumps({"id": order}).encode())
    yield
    outgoing.set_drawing(deliveries._no_order)


def drawn_alike(app):
    """Return a site's app, whose orders are drawn alike again."""
    outgoing.set_drawing(lambda order: json.dumps({"id": order}).encode())
    return app


def tell(hook="on_order_paid", cause="ord_a:paid", order="ord_a", **data):
    with transaction():
        notices.tell(hook, cause, order=order, **data)


def log_of(endpoint):
    return outgoing.sent_to(endpoint.id)


def test_what_happened_is_told_signed_and_once(endpoint, receiver):
    """One message a fact, however often it is reported, with the order as it is drawn."""
    tell()
    tell()
    assert outgoing.send_due(now()) == 1
    assert outgoing.send_due(now() + DAY) == 0
    (heard,) = receiver.heard

    assert (heard["method"], heard["url"], heard["outside"]) == ("POST", endpoint.url, True)
    said = json.loads(heard["body"])
    assert (said["type"], said["data"]) == ("order.paid", {"order": {"id": "ord_a"}})
    assert said["timestamp"].endswith("Z")
    sent = heard["headers"]
    content = f"{sent['webhook-id']}.{sent['webhook-timestamp']}.".encode() + heard["body"]
    key = base64.b64decode(secrets_of(endpoint.id, now())[0].removeprefix("whsec_"))
    wanted = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    assert sent["webhook-signature"] == f"v1,{wanted}"
    (delivery,) = log_of(endpoint)
    assert (delivery.id, delivery.status, delivery.attempts) == (sent["webhook-id"], 204, 1)
    assert delivery.delivered
    assert delivery.next_try is None


def test_it_is_stored_in_the_transaction_of_the_fact(endpoint, receiver):
    """What was rolled back was never to be told."""
    with suppress(ZeroDivisionError), transaction():
        notices.tell("on_order_paid", "ord_a:paid", order="ord_a")
        raise ZeroDivisionError

    assert log_of(endpoint) == []


@pytest.mark.parametrize(
    ("hook", "data"),
    [
        ("on_order_refunded", {"minor": 20}), ("on_dispute", {"status": "pending"}),
        ("on_payment_failed", {}), ("on_order_expired", {}),
    ],
)  # fmt: skip
def test_every_fact_has_its_event(endpoint, receiver, hook, data):
    """With what the hook tells plugins."""
    tell(hook, "x", **data)
    outgoing.send_due(now())
    said = json.loads(receiver.heard[0]["body"])

    assert said["type"] == outgoing.EVENTS[hook]
    assert said["data"] == {"order": {"id": "ord_a"}, **data}


def test_an_endpoint_is_told_what_it_asked_for_while_it_is_on(endpoint, receiver):
    """Others are not; one that is off gets nothing of what happens meanwhile."""
    other, _ = outgoing.make("https://other.example/", ["order.refunded"], actor="test")
    tell()
    outgoing.switch(endpoint.id, "off", actor="test")
    tell(cause="ord_b:paid", order="ord_b")

    assert log_of(other) == []
    assert [one.order for one in log_of(endpoint)] == ["ord_a"]
    assert outgoing.send_due(now() + DAY) == 0, "what waits, waits"
    outgoing.switch(endpoint.id, "on", actor="test")
    assert outgoing.send_due(now() + DAY) == 1


def test_a_sale_tells_its_order_as_the_interface_shows_it(make_site, endpoint, receiver):
    """Through checkout and app: the same JSON, with ids and without a name or an address."""
    app = make_site()
    provider = stand_in()
    user, _ = make_user("ada@example.org", name="Ada Lovelace")
    with app.app_context():
        order = sold(provider, user.id)
        outgoing.send_due(now())
    (said,) = [json.loads(one["body"]) for one in receiver.heard]

    assert said["data"]["order"]["id"] == order
    assert said["data"]["order"]["payments"][0]["movements"][0]["amount"]["minor"] == 100
    assert said["data"]["order"]["entitlements"][0]["key"] == "post:x"
    assert "Ada" not in str(said)
    assert "example.org" not in str(said)


def rounds(endpoint, count):
    """Let so many tries go by, each when it is due; return the pauses between them."""
    pauses = []
    with time_machine.travel(now(), tick=False) as clock:
        for _ in range(count):
            outgoing.send_due(now())
            due = log_of(endpoint)[0].next_try
            if due is None:
                break
            pauses.append(due - now())
            clock.move_to(due)
    return pauses


def test_what_does_not_arrive_is_tried_ten_times_in_three_days(endpoint, receiver):
    """Each time with the same id and content; then it stays in the log with what was answered."""
    receiver.status, receiver.body = 500, b"Oops\x00" + b"x" * 2_000
    tell()
    pauses = rounds(endpoint, 20)
    (delivery,) = log_of(endpoint)

    assert tuple(pauses) == PAUSES
    assert 3 * DAY < sum(pauses, timedelta()) < 4 * DAY
    assert delivery.attempts == len(receiver.heard) == 10
    assert (delivery.status, delivery.delivered, delivery.next_try) == (500, None, None)
    assert delivery.answer.startswith("Oops�xx")
    assert len(delivery.answer) == 500
    assert len({one["headers"]["webhook-id"] for one in receiver.heard}) == 1
    assert len({one["body"] for one in receiver.heard}) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 400, 404, 429, 500, 503])
def test_only_a_success_is_one(endpoint, receiver, status):
    """A redirect is not followed, and is none."""
    receiver.status = status
    tell()

    assert outgoing.send_due(now()) == 0
    assert log_of(endpoint)[0].status == status


def test_one_that_cannot_be_called_is_noted_with_the_reason(endpoint, receiver):
    """A name that leads into a private network by now, a time-out."""
    receiver.error = http.HttpRefused("hooks.example.org stands in a private network.")
    tell()
    outgoing.send_due(now())
    (delivery,) = log_of(endpoint)

    assert delivery.status is None
    assert "private network" in delivery.error
    assert delivery.next_try


def test_a_name_is_judged_when_it_is_called(endpoint, monkeypatch):
    """DNS that answered a public address before and a private one now does not get through."""
    inside = [(2, 1, 6, "", ("10.0.0.8", 443))]
    monkeypatch.setattr(http.socket, "getaddrinfo", lambda *_, **__: inside)
    tell()

    assert outgoing.send_due(now()) == 0
    assert log_of(endpoint)[0].error == "hooks.example.org stands in a private network."


def test_one_that_is_silent_holds_up_nobody(endpoint, receiver, monkeypatch):
    """It is called once a round; the others get all of theirs."""
    other, _ = outgoing.make("https://other.example/", ["order.paid"], actor="test")
    for n in range(3):
        tell(cause=f"ord_{n}:paid", order=f"ord_{n}")
    take = receiver.request

    def request(method, url, **more):
        receiver.error = http.HttpUnreachable("no") if url == endpoint.url else None
        return take(method, url, **more)

    monkeypatch.setattr(http, "request", request)

    assert outgoing.send_due(now()) == 3
    assert [one["url"] for one in receiver.heard].count(endpoint.url) == 1
    assert all(one.delivered for one in log_of(other))


def test_after_three_days_it_is_switched_off_and_owners_are_told(
    make_site, endpoint, receiver, outbox
):
    """In their language; what waits stays; switched on again, it is sent."""
    app = drawn_alike(make_site())
    make_user("it@example.org", role="owner", language="it")
    make_user("editor@example.org", role="editor")
    receiver.status = 500
    tell()
    with app.app_context():
        rounds(endpoint, 20)

    assert outgoing.find(endpoint.id).state == "failed"
    assert [letter.recipient for letter in outbox.letters] == ["it@example.org"]
    assert "hooks.example.org" in outbox.last("it@example.org").body
    assert "disattivat" in outbox.last("it@example.org").subject
    receiver.status = 200
    outgoing.switch(endpoint.id, "on", actor="test")
    outgoing.send_again(endpoint.id, log_of(endpoint)[0].id)
    assert outgoing.find(endpoint.id).failing_since is None
    assert log_of(endpoint)[0].delivered


def test_one_that_says_it_is_gone_is_switched_off_at_once(make_site, endpoint, receiver):
    """410, as Standard Webhooks has it."""
    app = drawn_alike(make_site())
    receiver.status = 410
    tell()
    with app.app_context():
        outgoing.send_due(now())

    assert outgoing.find(endpoint.id).state == "failed"


def test_one_that_answers_again_starts_afresh(endpoint, receiver):
    """The days count from the first failure after the last success."""
    receiver.status = 500
    tell()
    outgoing.send_due(now())
    assert outgoing.find(endpoint.id).failing_since
    receiver.status = 200
    outgoing.send_due(now() + DAY)

    assert outgoing.find(endpoint.id).failing_since is None


def test_two_workers_send_no_message_twice(endpoint, receiver, monkeypatch):
    """Whoever comes second finds it taken."""
    tell()
    (row,) = deliveries.execute("SELECT id, next_try FROM outgoing_delivery").fetchall()

    assert deliveries._claim(row[0], endpoint.id, row[1])
    assert not deliveries._claim(row[0], endpoint.id, row[1])
    assert outgoing.send_due(now()) == 0


def test_a_test_message_is_sent_even_while_it_is_off(endpoint, receiver):
    """So that an owner sees whether it arrives before anything depends on it."""
    outgoing.switch(endpoint.id, "off", actor="test")
    outgoing.send_test(endpoint.id)
    outgoing.send_due(now())

    assert json.loads(receiver.heard[0]["body"])["type"] == "webhook.test"
    assert log_of(endpoint)[0].delivered


def test_a_message_can_be_sent_again_as_it_was(endpoint, receiver):
    """The same id, so that the receiver can tell, and the same content."""
    tell()
    outgoing.send_due(now())
    outgoing.set_drawing(lambda order: b'"changed"')
    outgoing.send_again(endpoint.id, log_of(endpoint)[0].id)
    outgoing.send_due(now())
    first, second = receiver.heard

    assert first["body"] == second["body"]
    assert first["headers"]["webhook-id"] == second["headers"]["webhook-id"]


def test_the_log_goes_on_after_its_last_and_is_forgotten(endpoint, receiver):
    """Newest first; old rows of what is over go, what waits stays."""
    for n in range(3):
        tell(cause=f"ord_{n}:paid", order=f"ord_{n}")
    outgoing.send_due(now())
    tell(cause="waits", order="ord_w")
    first = outgoing.sent_to(endpoint.id, limit=2)
    rest = outgoing.sent_to(endpoint.id, after=first[-1].id)

    assert [one.order for one in (*first, *rest)] == ["ord_w", "ord_2", "ord_1", "ord_0"]
    assert outgoing.forget(now() - DAY) == 0
    assert outgoing.forget(now() + DAY) == 3
    assert [one.order for one in log_of(endpoint)] == ["ord_w"]
