"""The interface answers as its description says, whatever is sent: no 5xx, no other shape.

300 requests; `OBOLO_PROOF_FACTOR=17` sends 5,000, other ones each time.
"""

from __future__ import annotations

import os

import hypothesis
import pytest
import schemathesis
from schemathesis import GenerationMode, checks
from schemathesis.core.failures import FailureGroup

from core import http, limits, outgoing
from core.people import users
from core.web.api import drawing
from tests.core.web.api.machines import BASE, machine_of, sold, stand_in

CASES = 300 * int(os.environ.get("OBOLO_PROOF_FACTOR", "1"))
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
]


@pytest.fixture
def machine(make_site, monkeypatch):
    monkeypatch.setattr(http, "request", lambda *_, **__: http.Response(204, {}, b""))
    app = make_site("posts", "paywall", "tipjar", settings={"checkout.allow_loss": True})
    limits.set_key(limits._site.key, factor=100_000)
    return machine_of(app)


@pytest.fixture
def real(machine):
    """Return what really is there, by the first word of a path."""
    provider = stand_in()
    order = sold(provider)
    endpoint, _ = outgoing.make("https://hooks.example.org/", ["order.paid"], actor="test")
    return {
        "orders": {"id": order}, "users": {"id": users.listed()[0].id},
        "settings": {"name": "site.tagline"},
        "webhooks": {"id": endpoint.id, "delivery": outgoing.send_test(endpoint.id).id},
        "resources": {"id": "post:x"},
    }  # fmt: skip


@on_sqlite
def test_what_it_answers_is_as_described(machine, real):
    """Right and wrong requests to every operation, with ids that exist and such that do not."""
    schema = schemathesis.openapi.from_wsgi(f"{BASE}/openapi.json", machine.app)
    operations = [found.ok() for found in schema.get_all_operations()]
    each = max(CASES // (2 * len(operations)), 1)
    sent = [0]
    for operation in operations:
        there = real.get(operation.path.split("/")[1], {})
        run(operation, GenerationMode.POSITIVE, each, machine.text, there, sent)
        if operation.body or operation.query or operation.headers:
            run(operation, GenerationMode.NEGATIVE, each, machine.text, {}, sent)

    assert len(operations) > 20
    assert sent[0] > CASES / 2


def run(operation, mode, each, token, there, sent):
    """Send so many cases of one kind; every second right one names what is there."""

    @hypothesis.given(operation.as_strategy(mode))
    @hypothesis.settings(
        max_examples=each, database=None, derandomize=CASES == 300,
        suppress_health_check=list(hypothesis.HealthCheck), phases=[hypothesis.Phase.generate],
    )  # fmt: skip
    def send(case):
        sent[0] += 1
        if sent[0] % 2 and case.method != "DELETE":
            case.path_parameters.update({k: there[k] for k in case.path_parameters if k in there})
        answer = case.call(headers={"Authorization": f"Bearer {token}"})
        case.validate_response(answer, checks=CHECKS)

    send()


@on_sqlite
@pytest.mark.parametrize("weak", [lambda _: 1 // 0, lambda _: {"id": 5}])
def test_weak_twin_that_breaks_or_answers_something_else_is_caught(machine, monkeypatch, weak):
    """A bug, and an answer that is not of the type that the description names."""
    monkeypatch.setattr(drawing, "user", weak)
    schema = schemathesis.openapi.from_wsgi(f"{BASE}/openapi.json", machine.app)
    (operation,) = [found.ok() for found in schema.include(path="/users").get_all_operations()]

    with pytest.raises(FailureGroup):
        run(operation, GenerationMode.POSITIVE, 3, machine.text, {}, [0])
