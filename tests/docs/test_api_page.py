"""docs/api.md is true: each request is sent, and answered as the page says."""

from __future__ import annotations

import json
import re

import pytest

from core import http, limits, outgoing
from core.web.api import OPERATIONS
from core.web.api.operations import STATUS
from core.web.tokens import SCOPES
from tests.core.web.api.machines import Machine, machine_of, sold, stand_in
from tests.core.web.api.test_site import CARD, gate
from tests.docs.pages import ROOT, blocks
from tests.stand_in import plugged

PAGE = ROOT / "docs" / "api.md"
TEXT = PAGE.read_text()
TALKS = [block.text for block in blocks(PAGE, "http")]
SCOPES_OF_THE_PAGE = ("own.view", "orders.view", "orders.refund", "settings.change")


@pytest.fixture
def machine(make_site, monkeypatch):
    """A site with a closed post and a sold order, as the page has it."""
    app = make_site()
    monkeypatch.setattr(http, "request", lambda *_, **__: http.Response(204, {}, b""))
    with plugged(describe=lambda resource: CARD, guard=gate):
        yield machine_of(app, *SCOPES_OF_THE_PAGE)


def holds(answer, said):
    """Tell whether an answer has all that the page says of it."""
    if isinstance(said, dict):
        return all(name in answer and holds(answer[name], said[name]) for name in said)
    if isinstance(said, list):
        return len(answer) == len(said) and all(map(holds, answer, said))
    return answer == said


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("talk", TALKS, ids=lambda talk: talk.partition("\n")[0])
def test_a_request_is_answered_as_the_page_says(machine, talk):
    """Status, and every field that is shown."""
    order = sold(stand_in())
    asked, _, answered = talk.replace("$ORDER", order).partition("\n\n")
    first, *lines = asked.split("\n")
    method, path = first.split(" ")
    body = next((line for line in lines if line.startswith("{")), None)
    headers = dict(line.split(": ", 1) for line in lines if not line.startswith("{"))
    client = machine if "Authorization" in headers else Machine(machine.app, "")
    headers = {name: text for name, text in headers.items() if name != "Authorization"}
    if client is not machine:
        headers["Authorization"] = ""
    answer = client.ask(
        method, path.removeprefix("/api/v1"), headers=headers,
        json=None if body is None else json.loads(body),
    )  # fmt: skip
    status, _, said = answered.partition("\n")

    assert answer.status_code == int(status)
    assert holds(answer.json, json.loads(said)), answer.text


def test_the_page_names_every_scope_event_and_status():
    """And no other."""
    scopes = set(re.findall(r"^\| `([a-z]+\.[a-z]+)` \|", TEXT, re.MULTILINE))
    assert scopes == set(SCOPES)
    assert all(f"`{event}`" in TEXT for event in outgoing.EVENTS.values())
    statuses = set(re.findall(r"^\| ([\d, ]+) \|", TEXT, re.MULTILINE))
    named = {int(one) for found in statuses for one in found.split(",")}
    used = {status for found in OPERATIONS.values() for status in found.refusals}
    assert used <= named
    assert not named & set(STATUS.values())


def test_the_figures_are_those_of_the_code():
    """Limits, tries, days."""
    (limit,) = limits.DOORS["api"].holder

    assert f"{limit.most} requests a minute" in TEXT
    assert limit.per_seconds == 60
    assert len(outgoing.deliveries.PAUSES) + 1 == 10
    assert outgoing.deliveries.SWITCHED_OFF_AFTER.days == 3
    assert outgoing.deliveries.ANSWER_SECONDS == 10
