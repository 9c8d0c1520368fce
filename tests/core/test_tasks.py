"""Work behind the pages."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core import storage, tasks
from core.storage import database, execute, transaction

START = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def registers(monkeypatch):
    """Each test has work and threads of its own, and leaves none."""
    monkeypatch.setattr(tasks, "_functions", {})
    monkeypatch.setattr(tasks, "_periods", {})
    yield
    tasks.configure(None)
    assert threading.active_count() == 1 or not [
        thread.name
        for thread in threading.enumerate()
        if thread.name.startswith(("Worker", "Scheduler", "periodic"))
    ]


def until(condition, seconds=5.0):
    """Wait for something that other threads do."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


def test_work_is_done_by_a_thread(db):
    """What is put into the queue is done by another thread, by name, with its ids."""
    done = []

    @tasks.task("notes.write")
    def write(*ids):
        done.append((ids, threading.current_thread() is threading.main_thread()))
        assert execute("SELECT 1").fetchone()[0] == 1

    tasks.configure(db)
    tasks.start_thread()
    tasks.enqueue("notes.write", "ord_1", 2)
    until(lambda: done)

    assert done == [(("ord_1", 2), False)]


def test_work_waits_for_the_commit(db):
    """Nobody works on what is not stored yet, and a rollback takes the nudge along."""
    done = []
    tasks.task("notes.write")(done.append)
    tasks.configure(db, immediate=True)

    def roll_back():
        with transaction():
            tasks.enqueue("notes.write", "never")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        roll_back()
    with transaction():
        tasks.enqueue("notes.write", "later")
        assert done == []
    tasks.enqueue("notes.write", "now")

    assert done == ["later", "now"]


def test_work_waits_in_the_queue_for_a_worker(db):
    """The queue outlives the process that filled it."""
    done = []
    tasks.task("notes.write")(done.append)
    tasks.configure(db)
    tasks.enqueue("notes.write", "ord_1")
    tasks.configure(db)
    assert done == []

    tasks.start_thread()
    until(lambda: done == ["ord_1"])


def test_the_queue_of_a_small_site_is_a_file_beside_it(db):
    """SQLite: `tasks.db`; PostgreSQL: tables in the same database, so nothing else is needed."""
    tasks.configure(db)

    if storage.is_postgres():
        assert execute("SELECT count(*) FROM tasks_task").fetchone()[0] == 0
    else:
        assert Path(database.obj.database).with_name("tasks.db").is_file()


def test_messages_are_plain_json(db):
    """A message names work and ids: reading one from a stranger runs no code."""
    tasks.configure(db)
    tasks.enqueue("notes.write", "ord_1")
    (message,) = tasks._process.huey.storage.enqueued_items()

    found = json.loads(bytes(message))
    assert found[0].startswith("notes.write_")
    assert found[-1] == ["notes.write", "ord_1"]


@pytest.mark.parametrize("wrong", [None, 1.5, {"a": 1}, b"x", "x" * 201])
def test_a_message_carries_ids_only(db, wrong):
    """Whole things do not go through the queue: they would be old when they are read."""
    tasks.configure(db)
    with pytest.raises(AssertionError):
        tasks.enqueue("notes.write", wrong)


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(1), BaseException("odd")])
def test_a_failing_task_is_named_and_takes_nobody_along(db, caplog, error):
    """A failure is logged with the task's name, put off for a retry, and the worker goes on."""
    done = []

    @tasks.task("notes.break")
    def broken():
        raise error

    tasks.task("notes.write")(done.append)
    tasks.configure(db)
    tasks.start_thread(workers=1)
    with caplog.at_level(logging.WARNING):
        tasks.enqueue("notes.break")
        tasks.enqueue("notes.write", "after")
        until(lambda: done == ["after"])
        until(lambda: tasks._process.huey.storage.schedule_size() == 1)

    assert "notes.break" in caplog.text
    assert type(error).__name__ in caplog.text


def test_a_failed_task_is_tried_again(db, monkeypatch):
    """A retry comes after its pause, and is the same work with the same ids."""
    monkeypatch.setattr(tasks, "RETRY_SECONDS", 0.1)
    tries = []

    @tasks.task("notes.flaky")
    def flaky(order):
        tries.append(order)
        if len(tries) < 3:
            raise ValueError(order)

    monkeypatch.setattr(tasks, "RETRY_FACTOR", 1)
    tasks.configure(db)
    tasks.start_thread()
    tasks.enqueue("notes.flaky", "ord_1")
    until(lambda: len(tries) == 3, seconds=10)
    time.sleep(0.3)

    assert tries == ["ord_1"] * 3


def test_garbage_in_the_queue_stops_nobody(db):
    """A message that nobody can read is dropped, and the next one is done."""
    done = []
    tasks.task("notes.write")(done.append)
    tasks.configure(db)
    tasks._process.huey.storage.enqueue(b"\x80\x04cos\nsystem\n")
    tasks.enqueue("notes.write", "after")
    tasks.start_thread()

    until(lambda: done == ["after"])


def test_work_of_a_plugin_that_is_off_is_passed_over(db, caplog):
    """A plugin's work is forgotten with its app; a late nudge for it is no failure."""
    done = []
    jars = ("jars.clean", 60, lambda: done.append("other"))
    tasks.only([("jar.clean", 60, lambda: done.append("clean")), jars])
    tasks.configure(db, immediate=True)
    tasks.only([jars])

    tasks.enqueue("jar.clean")
    assert tasks.run_due(START) == ["jars.clean"]
    assert done == ["other"]
    assert "jar.clean" in caplog.text


def test_a_queue_that_fails_does_not_fail_the_caller(db, monkeypatch, caplog):
    """The change is stored already; its periodic work will find what the nudge missed."""
    tasks.configure(db)

    def fail(*_a):
        raise OSError("disk full")

    monkeypatch.setattr(tasks._process.huey.storage, "enqueue", fail)
    with transaction():
        tasks.enqueue("notes.write", "ord_1")

    assert "notes.write" in caplog.text


def test_periodic_work_is_done_once_in_each_slot(db):
    """Two workers that look at the same time do it once; a new slot is new work."""
    done = []
    tasks.every("notes.sweep", 60, lambda: done.append("minute"))
    tasks.every("notes.day", 86_400, lambda: done.append("day"))

    assert tasks.run_due(START) == ["notes.day", "notes.sweep"]
    assert tasks.run_due(START + timedelta(seconds=59)) == []
    assert tasks.run_due(START + timedelta(seconds=60)) == ["notes.sweep"]
    assert tasks.run_due(START + timedelta(hours=12)) == ["notes.day", "notes.sweep"]
    assert done == ["day", "minute", "minute", "day", "minute"]


def test_many_workers_race_for_a_slot_and_one_gets_it(db):
    """The claim is one row with a unique key."""
    tasks.every("notes.sweep", 60, lambda: None)
    barrier, won = threading.Barrier(8), []

    def claim():
        barrier.wait()
        won.extend(tasks._claim("notes.sweep", slot, START) for slot in range(0, 600, 60))
        storage.close()

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert won.count(True) == 10


def test_periodic_work_that_fails_stops_no_other(db, caplog):
    """A failure is logged by name; what comes after it is done."""
    done = []

    def fail():
        raise ValueError("no")

    tasks.every("a.fails", 60, fail)
    tasks.every("b.works", 60, lambda: done.append(1))

    assert tasks.run_due(START) == ["a.fails", "b.works"]
    assert done == [1]
    assert "a.fails" in caplog.text


def test_old_slots_are_deleted(db):
    """The table stays as small as the list of periodic work."""
    tasks.every("notes.sweep", 60, lambda: None)
    for minute in range(150):
        tasks.run_due(START + timedelta(minutes=minute))

    assert execute("SELECT count(*) FROM tasks_slot").fetchone()[0] <= tasks.KEPT_SLOTS + 1


def test_work_holds_no_transaction(db):
    """Somebody else's code runs while no row is locked and no writer waits."""
    seen = []
    tasks.every("notes.sweep", 60, lambda: seen.append(storage.in_transaction()))
    with transaction(), pytest.raises(AssertionError):
        tasks._work("notes.sweep")

    tasks.run_due(START)
    assert seen == [False]


def test_many_nudges_for_the_same_periodic_work_are_one(db):
    """A thousand sales wake the mailer once; work with ids is never left out."""
    done = []
    tasks.every("notes.sweep", 86_400, lambda: done.append("sweep"))
    tasks.task("notes.write")(done.append)
    tasks.configure(db)
    for _ in range(20):
        tasks.enqueue("notes.sweep")
        tasks.enqueue("notes.write", "ord_1")

    assert tasks._process.huey.storage.queue_size() == 21


def test_a_nudge_while_the_work_runs_is_not_lost(db):
    """What is stored after the work looked is looked for again."""
    started, go_on, done = threading.Event(), threading.Event(), []

    def sweep():
        done.append(1)
        started.set()
        go_on.wait(5)

    tasks.configure(db)
    tasks.every("notes.sweep", 86_400, sweep)
    today = int(time.time()) // 86_400 * 86_400
    assert tasks._claim("notes.sweep", today, START)  # so that only nudges are counted
    tasks.start_thread(workers=1)
    tasks.enqueue("notes.sweep")
    assert started.wait(5)
    tasks.enqueue("notes.sweep")
    go_on.set()

    until(lambda: len(done) == 2)


def test_a_mark_that_a_crash_left_is_cured_by_the_next_slot(db):
    """A worker that died with a message in hand blocks its periodic work for one period at most."""
    done = []
    tasks.every("notes.tick", 1, lambda: done.append(1))
    tasks.configure(db)
    tasks.enqueue("notes.tick")
    tasks._process.huey.storage.flush_queue()
    tasks.start_thread()

    until(lambda: done)


def test_periodic_work_runs_by_itself(db):
    """With the threads running, every second's work is done every second, and can be asked for."""
    done = []
    tasks.every("notes.tick", 1, lambda: done.append(time.monotonic()))
    tasks.configure(db)
    tasks.start_thread()
    until(lambda: len(done) >= 3)
    tasks.stop_thread()
    count = len(done)
    time.sleep(1.2)

    assert len(done) == count
    assert 0.5 < done[2] - done[1] < 2


def test_a_periodic_failure_is_not_tried_again(db):
    """The next slot is the retry."""

    def fail():
        failed.append(1)
        raise ValueError("no")

    failed = []
    tasks.every("notes.day", 86_400, fail)
    tasks.configure(db)
    tasks.start_thread()
    until(lambda: failed)
    time.sleep(0.3)

    assert tasks._process.huey.storage.schedule_size() == 0


def test_the_threads_stop_within_a_second(db):
    """Stopping waits for nobody who sleeps, and starting again works."""
    tasks.configure(db)
    for _ in range(2):
        tasks.start_thread()
        time.sleep(0.3)
        started = time.monotonic()
        tasks.stop_thread()
        assert time.monotonic() - started < 1


def test_a_task_at_work_does_not_hold_up_the_end(db, caplog):
    """A hung task ends with the process; stopping says so and goes on."""
    release, busy = threading.Event(), threading.Event()

    @tasks.task("notes.hang")
    def hang():
        busy.set()
        release.wait(10)

    tasks.configure(db)
    tasks.start_thread(workers=1)
    tasks.enqueue("notes.hang")
    assert busy.wait(5)
    started = time.monotonic()
    tasks.stop_thread()
    took = time.monotonic() - started
    release.set()
    until(lambda: not [t for t in threading.enumerate() if t.name == "Worker-1"])

    assert took < 2
    assert "still at work" in caplog.text


def test_the_threads_leave_signals_alone(db):
    """The web server's own handling of SIGTERM and SIGINT stays as it is."""
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    tasks.configure(db)
    tasks.start_thread()

    assert [signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)] == before


WORKER = """
import sys
from core import storage, tasks
url = sys.argv[1]
storage.connect(url)
tasks.configure(url)
tasks.task("notes.write")(lambda text: print(text, flush=True))
tasks.run_worker()
print("ended", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_in_the_foreground_ends_at_a_signal(db, number):
    """`obolo worker` does what others queued, and ends in order when it is asked to."""
    tasks.configure(db)
    tasks.enqueue("notes.write", "from the site")
    root = Path(tasks.__file__).parent.parent
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, db],
        stdout=subprocess.PIPE,
        text=True,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    try:
        assert worker.stdout.readline() == "from the site\n"
        worker.send_signal(number)
        output, _ = worker.communicate(timeout=10)
    finally:
        worker.kill()
        worker.communicate()

    assert output == "ended\n"
    assert worker.returncode == 0
