"""A verified delivery is kept once, tried again in growing pauses, and replayed by a person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from core.payments import Hint, inbox
from core.payments.inbox import PAUSES
from core.storage import execute
from core.verify import verify

START = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
HINT = Hint("evt_1", reference="pay_1", ref="si_1", movement="ch_1")

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def clock():
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def test_an_event_is_kept_once(clock):
    """However often it is delivered; another provider may use the same name for one of its own."""
    assert inbox.keep("standin", HINT)
    assert not inbox.keep("standin", Hint("evt_1", reference="pay_2"))
    assert inbox.keep("other", HINT)
    assert execute("SELECT COUNT(*) FROM payments_delivery").fetchone()[0] == 2


def test_a_delivery_is_due_at_once_with_all_that_it_says(clock):
    """Oldest first."""
    inbox.keep("standin", HINT)
    clock.shift(1)
    inbox.keep("standin", Hint("evt_2"))

    assert inbox.due(START - timedelta(microseconds=1)) == []
    assert inbox.due(START + timedelta(seconds=1)) == [
        ("standin", HINT), ("standin", Hint("evt_2")),
    ]  # fmt: skip


def test_what_is_settled_is_not_due(clock):
    """Its time is kept, and its error forgotten."""
    inbox.keep("standin", HINT)
    inbox.failed("standin", "evt_1", "no answer")
    inbox.done("standin", "evt_1")

    assert inbox.due(START + timedelta(days=400)) == []
    assert inbox.unsettled() == []
    assert execute("SELECT error FROM payments_delivery").fetchone()[0] is None


def test_the_pauses_grow_and_after_the_last_a_person_is_needed(clock):
    """1 minute, 10, 1 hour, 6 hours, then daily; then it waits, and is not forgotten."""
    inbox.keep("standin", HINT)
    at = START
    for number, pause in enumerate(PAUSES, 1):
        inbox.failed("standin", "evt_1", f"try {number}")
        assert inbox.due(at + pause - timedelta(microseconds=1)) == []
        at += pause
        assert inbox.due(at) == [("standin", HINT)]
        clock.move_to(at)
    inbox.failed("standin", "evt_1", "x" * 9_000)

    minutes = [pause // timedelta(minutes=1) for pause in PAUSES]
    assert minutes == [1, 10, 60, 360, 1440, 1440, 1440]
    assert inbox.due(at + timedelta(days=400)) == []
    assert inbox.unsettled() == [("standin", "evt_1", START, len(PAUSES) + 1, "x" * 500)]


def test_a_failure_belongs_to_one_delivery(clock):
    """The others stay due."""
    inbox.keep("standin", HINT)
    inbox.keep("other", HINT)
    inbox.failed("standin", "evt_1", "no")

    assert inbox.due(START) == [("other", HINT)]
    assert [row[3:] for row in inbox.unsettled()] in ([(1, "no"), (0, "")], [(0, ""), (1, "no")])


def test_a_replay_starts_again_with_the_first_pause(clock):
    """What was given up is due at once, and is tried as often as a new one."""
    inbox.keep("standin", HINT)
    for _ in range(len(PAUSES) + 1):
        inbox.failed("standin", "evt_1", "no")

    assert inbox.replay("standin", "evt_1")
    assert inbox.due(START) == [("standin", HINT)]
    inbox.failed("standin", "evt_1", "no")
    assert inbox.due(START + PAUSES[0]) == [("standin", HINT)]


def test_what_was_settled_can_be_replayed_and_waits_like_any_other(clock):
    """It is unsettled until it is done again, and no invariant is hurt by asking for it."""
    inbox.keep("standin", HINT)
    inbox.done("standin", "evt_1")
    inbox.replay("standin", "evt_1")

    assert inbox.due(START) == [("standin", HINT)]
    assert [row[1] for row in inbox.unsettled()] == ["evt_1"]
    assert verify() == []


def test_what_never_came_cannot_be_replayed(clock):
    """False says so."""
    inbox.keep("standin", HINT)

    assert not inbox.replay("standin", "evt_2")
    assert not inbox.replay("other", "evt_1")
