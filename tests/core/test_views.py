"""Views are counted in memory and stored as daily sums."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest
import time_machine

from core import views
from core.storage import execute

DAY = views.day_of(datetime(2026, 11, 20, tzinfo=UTC))


@pytest.fixture(autouse=True)
def _nothing_counted(db):
    views._memory.counts.clear()
    yield
    views.stop_thread()


def test_views_become_daily_sums_without_anybody_in_them(db):
    """By day, resource and stage; what was stored is not stored again."""
    with time_machine.travel(datetime(2026, 11, 20, 23, 59, 59, tzinfo=UTC), tick=False) as clock:
        for stage in ("teaser", "teaser", "panel"):
            views.count("post:a", stage)
        assert views.sums(DAY, DAY) == {}
        assert views.flush() == 2
        clock.shift(1)
        views.count("post:a", "teaser")
        views.flush()
    assert views.flush() == 0

    assert views.sums(DAY, DAY) == {"post:a": {"teaser": 2, "panel": 1}}
    assert views.sums(DAY, DAY + 1)["post:a"]["teaser"] == 3
    columns = {column[0] for column in execute("SELECT * FROM views_day").description}
    assert columns == {"day", "resource", "stage", "n"}


def test_what_cannot_be_stored_is_kept_for_the_next_time(db, monkeypatch):
    """A database that is away loses no count."""
    views.count("post:a", "read")
    with monkeypatch.context() as patched:
        patched.setattr(views, "store", lambda counts: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            views.flush()
    views.count("post:a", "read")
    views.flush()

    assert views.sums(0, 10**6) == {"post:a": {"read": 2}}


def test_a_flood_of_resources_does_not_fill_the_memory(db, monkeypatch):
    """What is counted already goes on; what is new is dropped."""
    monkeypatch.setattr(views, "MOST_KEYS", 2)
    for name in ("a", "b", "c", "a"):
        views.count(name, "read")
    views.flush()

    assert views.sums(0, 10**6) == {"a": {"read": 2}, "b": {"read": 1}}


def test_threads_lose_no_count(db):
    """Counting is not atomic by itself."""
    many = [
        threading.Thread(target=lambda: [views.count("a", "read") for _ in range(2000)])
        for _ in range(4)
    ]
    for one in many:
        one.start()
    for one in many:
        one.join()

    assert views._memory.counts.total() == 8000


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_thread_stores_what_is_left_when_it_ends(db):
    """A worker that is told to go loses nothing."""
    views.start_thread()
    views.count("post:a", "tap")
    views.stop_thread()
    views.stop_thread()

    assert views.sums(0, 10**6) == {"post:a": {"tap": 1}}
