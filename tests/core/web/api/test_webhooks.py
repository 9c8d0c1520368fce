"""Machines that set up whom this site tells what happened."""

from __future__ import annotations

import pytest

from core import http, outgoing
from core.clock import now
from core.outgoing.endpoints import secrets_of
from tests.core.web.api.machines import machine_of

WANTED = {"url": "https://hooks.example.org/x", "events": ["order.paid"]}


@pytest.fixture
def machine(make_site, monkeypatch):
    app = make_site()
    monkeypatch.setattr(http, "request", lambda *_, **__: http.Response(200, {}, b"thanks"))
    return machine_of(app)


def test_an_endpoint_is_made_seen_switched_and_taken_away(machine):
    """Its secret is told once, when it is made."""
    made = machine.post("/webhooks", WANTED)
    path = f"/webhooks/{made.json['id']}"
    secret = made.json["secret"]

    assert made.status_code == 201
    assert secrets_of(made.json["id"], now()) == [secret]
    assert machine.get("/webhooks").json["data"] == [machine.get(path).json]
    assert "secret" not in machine.get(path).json
    assert machine.ask("PATCH", path, json={"state": "off"}).json["state"] == "off"
    assert machine.ask("PATCH", path, json={"state": "failed"}).status_code == 422
    gone = machine.ask("DELETE", path)
    assert (gone.status_code, gone.data) == (204, b"")
    assert machine.get(path).status_code == 404


def test_a_secret_is_renewed(machine):
    """The new one is told once; both sign for a day."""
    made = machine.post("/webhooks", WANTED).json
    renewed = machine.post(f"/webhooks/{made['id']}/secrets")

    assert renewed.status_code == 201
    assert secrets_of(made["id"], now()) == [renewed.json["secret"], made["secret"]]


def test_a_message_is_tried_out_and_sent_again(machine):
    """The log says what was answered."""
    path = f"/webhooks/{machine.post('/webhooks', WANTED).json['id']}"
    sent = machine.post(f"{path}/test")
    (logged,) = machine.get(f"{path}/deliveries").json["data"]
    again = machine.post(f"{path}/deliveries/{logged['id']}/resend")

    assert (sent.status_code, again.status_code) == (201, 201)
    assert (logged["type"], logged["status"], logged["answer"]) == ("webhook.test", 200, "thanks")
    assert machine.post(f"{path}/deliveries/evt_x/resend").status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({**WANTED, "url": "http://hooks.example.org/"}, 422),
        ({**WANTED, "url": "https://localhost/"}, 400),
        ({**WANTED, "events": ["made.up"]}, 400), ({**WANTED, "events": []}, 422),
        ({**WANTED, "secret": "whsec_mine"}, 422),
    ],
)  # fmt: skip
def test_what_is_no_endpoint_is_refused(machine, body, status):
    """Its address, its events, a field that there is not."""
    assert machine.post("/webhooks", body).status_code == status
    assert outgoing.listed() == []


def test_a_test_token_sets_up_nothing(machine):
    """It sees what there is."""
    test = machine_of(machine.app, "settings.change", mode="test")
    made = machine.post("/webhooks", WANTED).json

    assert test.get("/webhooks").status_code == 200
    for method, path in (
        ("POST", "/webhooks"), ("DELETE", f"/webhooks/{made['id']}"),
        ("POST", f"/webhooks/{made['id']}/test"), ("POST", f"/webhooks/{made['id']}/secrets"),
    ):  # fmt: skip
        assert test.ask(method, path, json=WANTED).status_code == 403
