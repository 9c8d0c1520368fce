"""The audit log in the administration."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest

from core import audit
from core.clock import now
from core.storage import transaction
from tests.people import signed_in

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def events(client):
    """Return what a bookkeeper sees of two events and their own coming."""
    with transaction():
        audit.record("orders.refund", actor="usr_1", subject="ord_1", reason="<b>twice</b>")
        audit.record("posts.publish", actor="cli", subject="hello")
    signed_in(client, "bookkeeper")
    return lambda query="": client.get(f"/admin/audit/{query}")


def test_events_are_found_by_what_who_and_to_what(events):
    """Task: find out who gave money back, in two taps and a choice; what is shown is escaped."""
    assert "&lt;b&gt;twice" in events("?action=orders.refund").text
    assert '<code class="number">posts.publish</code></td>' not in events("?actor=usr_1").text
    assert "hello" in events("?subject=hello").text
    assert "Nothing like this has happened." in events("?subject=nothing").text
    assert events("?action=made.up").status_code == 400
    assert "Nothing like" in events(f"?from={now() + timedelta(days=2):%Y-%m-%d}").text


def test_the_log_comes_as_a_file(events):
    """Task: hand the log to an auditor, in two taps."""
    rows = list(csv.DictReader(io.StringIO(events("?actor=cli&format=csv").text)))

    assert [(row["action"], row["subject"]) for row in rows] == [("posts.publish", "hello")]


def test_the_seals_are_checked_on_demand(events, monkeypatch):
    """Task: make sure that nothing was changed, in two taps."""
    assert "There is no seal yet" in events("?check=1").text
    audit.EVENTS.add(now() + timedelta(seconds=1))
    assert "The events match the one seal." in events("?check=1").text
    monkeypatch.setattr(type(audit.EVENTS), "broken", lambda self: [1])

    assert "no longer match these seals: 1." in events("?check=1").text
