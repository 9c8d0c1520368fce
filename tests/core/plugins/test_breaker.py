"""A plugin that fails again and again, or hangs, is paused; nobody is blamed for the database."""

from __future__ import annotations

import os
import threading
from datetime import timedelta

import peewee
import pytest

from core import audit, settings, storage
from core.plugins import breaker, enabled, watching
from core.plugins.breaker import MOST_FAILURES, MOST_KEPT, failures
from core.storage import execute

ERROR = KeyError("price")


@pytest.fixture
def home(db, tmp_path, monkeypatch):
    """A site whose list holds two plugins."""
    monkeypatch.setattr(watching, "failed", watching.failed)
    breaker.install(tmp_path)
    enabled.enable("bad", actor="test")
    enabled.enable("good", actor="test")
    yield tmp_path
    breaker._noted.clear()
    breaker._folder = type(tmp_path)("/nowhere")


def fail(times, plugin="bad", error=ERROR):
    for _ in range(times):
        watching.failed(plugin, "guard", error)


def test_five_failures_within_a_minute_pause_a_plugin(home):
    """The owner reads where and why; four do not, nor does anybody else's failure count."""
    before = settings.generation("plugins")
    fail(MOST_FAILURES - 1)
    fail(1, "good")
    assert breaker.store() == []
    fail(1)
    assert breaker.store() == ["bad"]
    entry = enabled.entry("bad")

    assert entry.state == "paused"
    assert entry.reason == (
        "It failed 5 times within a minute, last in guard: KeyError: 'price'"
    )  # fmt: skip
    assert "KeyError: 'price'" in entry.detail
    assert enabled.names("enabled") == ("good",)
    assert settings.generation("plugins") == before + 1
    assert audit.events(limit=1)[0].action == "plugins.pause"
    assert len(failures("bad")) == 5


def test_failures_count_since_the_plugin_was_last_switched_on(home):
    """Whoever mended it begins anew; and what is paused or off is not paused again."""
    fail(MOST_FAILURES - 1)
    breaker.store()
    enabled.enable("bad", actor="test")
    fail(MOST_FAILURES - 1)
    assert breaker.store() == []
    fail(1)
    assert breaker.store() == ["bad"]
    fail(MOST_FAILURES)
    assert breaker.store() == []
    enabled.disable("good", actor="test")
    fail(MOST_FAILURES, "good")

    assert breaker.store() == []
    assert enabled.entry("good").state == "off"


@pytest.mark.parametrize("minutes", [0, 1])
def test_old_failures_do_not_count(home, minutes):
    """Five in an hour are not five in a minute."""
    fail(MOST_FAILURES - 1)
    breaker.store()
    back = storage.micros(enabled.now()) - (61_000_000 * minutes)
    execute("UPDATE plugins_failure SET at = ?", [back])
    execute("UPDATE plugins_plugin SET changed = changed - 3600000000")
    fail(1)

    assert breaker.store() == (["bad"] if minutes == 0 else [])


def away():
    """Return what a driver raises whose database is away, in peewee's words."""
    if storage.is_postgres():
        import psycopg

        return peewee.OperationalError(psycopg.OperationalError("server closed the connection"))
    import sqlite3

    cause = sqlite3.OperationalError("database is locked")
    cause.sqlite_errorcode = sqlite3.SQLITE_BUSY
    return peewee.OperationalError(cause)


def test_nobody_is_blamed_for_the_database(home):
    """It is away for all; a statement that is wrong is its author's, on both databases."""
    fail(MOST_FAILURES, error=away())
    wrapped = RuntimeError("no price")
    wrapped.__cause__ = away()
    fail(MOST_FAILURES, error=wrapped)
    assert breaker.noted() == []
    with pytest.raises(peewee.DatabaseError) as caught:
        execute("SELECT nothing FROM nowhere")
    fail(MOST_FAILURES, error=caught.value)

    assert breaker.store() == ["bad"]


def test_what_cannot_be_stored_is_kept(home, monkeypatch):
    """The database comes back; then it counts."""
    fail(MOST_FAILURES)
    hang(home)

    def gone(*_arguments, **_named):
        raise away()

    with monkeypatch.context() as broken:
        broken.setattr(breaker, "insert", gone)
        with pytest.raises(peewee.OperationalError):
            breaker.store()
    assert len(breaker.noted()) == MOST_FAILURES
    assert breaker.store() == ["bad"]
    assert breaker.noted() == []


def test_failures_of_two_processes_count_together(home):
    """Neither sees the other's row before it is stored; the lock lets one count after the other."""
    both, at = threading.Barrier(2), storage.micros(enabled.now())
    paused = []

    def store():
        some = [
            breaker.Failure("bad", "guard", at, "E", "", storage.new_id("flr")) for _ in range(3)
        ]  # fmt: skip
        both.wait(5)
        with storage.transaction():
            paused.extend(breaker._write(some))
        storage.close()

    threads = [threading.Thread(target=store) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert paused == ["bad"]


def hang(home, plugin="bad"):
    """Leave the word of a process that was ended while this plugin hung."""
    before = watching.begin(plugin, "guard", -1e6)
    ended = []
    breaker.end_if_hung(lambda: ended.append(os.getpid()))
    watching.end(plugin, "guard", -1e6, before, failed=False)
    assert ended == [os.getpid()]


def test_a_hook_that_hung_pauses_its_plugin_at_once(home):
    """Whoever finds the word stores it; two that find it count it once. It says where it stood."""
    hang(home)
    (path,) = (home / "hung").iterdir()
    word = path.read_bytes()
    assert breaker.store() == ["bad"]
    entry = enabled.entry("bad")
    path.write_bytes(word)
    enabled.enable("bad", actor="test")

    assert entry.reason.startswith("It hung in guard: no answer for ")
    assert "in hang" in entry.detail
    assert breaker.store() == []
    assert enabled.entry("bad").state == "enabled"
    assert len(failures("bad")) == 1
    assert list((home / "hung").iterdir()) == []


def test_a_word_that_nobody_can_read_is_dropped(home):
    """It would be looked at for ever."""
    (home / "hung").mkdir()
    (home / "hung" / "1-2.json").write_text("{")

    assert breaker.store() == []
    assert list((home / "hung").iterdir()) == []


def test_what_is_kept_is_bounded(home):
    """A plugin that fails now and then for weeks fills no disk."""
    fail(MOST_KEPT + 50, "good")
    breaker.store()
    fail(1, "good")
    breaker.store()
    assert len(failures("good", limit=1_000)) == MOST_KEPT
    week = int(timedelta(days=8).total_seconds() * 1e6)
    execute("UPDATE plugins_failure SET at = at - ?", [week])
    fail(1)
    breaker.store()

    assert failures("good") == []


def test_timings_of_processes_add_up(home):
    """By day, for the sums of a week; old days go."""
    for seconds in (0.2, 0.4):
        watching.take_timings()
        for _ in range(2):
            watching.end("bad", "guard", breaker.perf_counter() - seconds, None, failed=True)
        breaker.store_timings()
    breaker.store_timings()
    timing = breaker.timings("bad")["guard"]
    execute("UPDATE plugins_timing SET day = day - 40")
    watching.end("good", "ask", breaker.perf_counter(), None, failed=False)
    breaker.store_timings()

    assert (timing.calls, timing.errors) == (4, 4)
    assert 0.4 <= timing.slowest < 0.6
    assert 1.2 <= timing.seconds < 1.6
    assert execute("SELECT plugin FROM plugins_timing").fetchall() == [("good",)]
