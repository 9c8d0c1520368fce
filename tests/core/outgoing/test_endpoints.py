"""Endpoints: only public addresses over TLS, sealed secrets, an event for each change."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from core import audit, outgoing
from core.clock import now
from core.errors import BadInput, Conflict, NotFound
from core.outgoing import endpoints
from core.outgoing.endpoints import secrets_of
from core.storage import execute
from tests.core.outgoing.conftest import URL
from tests.people import assert_one_with_its_event


def test_an_endpoint_keeps_its_secret_sealed(db):
    """It is told once, signs from then on, and stands nowhere in the clear."""
    made, secret = outgoing.make(URL, ["order.paid"], actor="test")

    assert outgoing.listed() == [made]
    assert (made.url, made.host, made.events, made.state) == (
        URL, "hooks.example.org", ("order.paid",), "on",
    )  # fmt: skip
    assert secrets_of(made.id, now()) == [secret]
    kept = str(execute("SELECT * FROM outgoing_endpoint").fetchall())
    assert secret not in kept + str(audit.events())


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.org/", "https://localhost/", "https://127.0.0.1/", "https://[::1]/",
        "https://10.0.0.8/", "https://192.168.1.1/", "https://169.254.169.254/latest", "https://0/",
        "https://2130706433/", "https://intranet/",
        "https://[::ffff:10.0.0.1]/", "https://[64:ff9b::a00:1]/", "https://user:pw@example.org/",
        "https://printer.local/", "https://db.internal/", "https://x.localhost./", "ftp://a.org/",
        "https://", "//example.org", "", "https://exa mple.org/", "https://example.org:0/",
        "https://example.org:99999/", "javascript:alert(1)", "https://exämple.org/",
    ],
)  # fmt: skip
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_address_that_is_not_outside_is_refused(db, url):
    """No private network, no own machine, nothing unencrypted, nothing odd."""
    with pytest.raises(BadInput):
        outgoing.make(url, ["order.paid"], actor="test")

    assert outgoing.listed() == []


@pytest.mark.parametrize("events", [[], ["order.paid", "made.up"], ["webhook.test"]])
def test_it_is_told_what_there_is_to_tell(db, events):
    """At least one event, and only such that exist."""
    with pytest.raises(BadInput):
        outgoing.make(URL, events, actor="test")


def test_a_renewed_secret_has_the_old_one_beside_it_for_a_day(endpoint, db):
    """Then the new one signs alone; never more than two."""
    (old,) = secrets_of(endpoint.id, now())
    _, second = outgoing.renew(endpoint.id, actor="test")
    assert secrets_of(endpoint.id, now()) == [second, old]
    _, third = outgoing.renew(endpoint.id, actor="test")

    assert secrets_of(endpoint.id, now()) == [third, second]
    with time_machine.travel(now() + timedelta(days=1, seconds=1)):
        assert secrets_of(endpoint.id, now()) == [third]


def test_each_change_has_its_event(db, monkeypatch):
    """Made, renewed, switched, taken away: in the transaction of the change."""
    made, _ = assert_one_with_its_event(
        monkeypatch, "webhooks.create", lambda: outgoing.make(URL, ["order.paid"], actor="test")
    )
    assert_one_with_its_event(
        monkeypatch, "webhooks.renew", lambda: outgoing.renew(made.id, actor="test")
    )
    off = assert_one_with_its_event(
        monkeypatch, "webhooks.switch", lambda: outgoing.switch(made.id, "off", actor="test")
    )
    assert off.state == "off"
    assert_one_with_its_event(
        monkeypatch, "webhooks.remove", lambda: outgoing.remove(made.id, actor="test")
    )
    assert outgoing.listed() == []


@pytest.mark.parametrize(
    "act",
    [
        outgoing.find, lambda id: outgoing.renew(id, actor="t"), outgoing.send_test,
        lambda id: outgoing.switch(id, "on", actor="t"), lambda id: outgoing.remove(id, actor="t"),
        outgoing.sent_to, lambda id: outgoing.send_again(id, "evt_x"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_not_found(db, act):
    """By whatever way it is asked for."""
    with pytest.raises(NotFound):
        act("end_x")


def test_there_are_not_many(db, monkeypatch):
    """Each of them costs a row for each sale."""
    monkeypatch.setattr(endpoints, "MOST_ENDPOINTS", 1)
    outgoing.make(URL, ["order.paid"], actor="test")
    with pytest.raises(Conflict):
        outgoing.make(URL, ["order.paid"], actor="test")
