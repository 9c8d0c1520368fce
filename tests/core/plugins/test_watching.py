"""Each process knows who works, for how long, and who takes too long."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from time import perf_counter

import pytest

from core import storage
from core.errors import OboloError, PluginFailed
from core.plugins import caller, watching
from core.plugins.watching import BEHIND_SECONDS, HOOK_SECONDS, PAGE, PAGE_SECONDS


@contextmanager
def at_work(plugin, what, started=0.0):
    """Let this thread work at something for as long as the block lasts."""
    before = watching.begin(plugin, what, started)
    try:
        yield
    finally:
        watching.end(plugin, what, started, before, failed=False)


@pytest.fixture(autouse=True)
def _nothing_counted():
    watching.take_timings()
    yield
    watching.take_timings()


@pytest.mark.parametrize(
    ("what", "most"),
    [
        ("guard", HOOK_SECONDS), ("embed jar", HOOK_SECONDS), (PAGE, PAGE_SECONDS),
        ("on_order_paid", BEHIND_SECONDS), ("task posts.sweep", BEHIND_SECONDS),
        ("register_blueprint", BEHIND_SECONDS), ("provider quote", HOOK_SECONDS),
        ("provider begin", PAGE_SECONDS), ("provider hear", PAGE_SECONDS),
        ("send_message", BEHIND_SECONDS),
    ],
)  # fmt: skip
def test_what_somebody_waits_for_hangs_sooner(what, most):
    """A page may ask a provider; behind the pages nobody waits, and yet not for ever."""
    with at_work("slow", what):
        assert watching.hung(most) is None
        found = watching.hung(most + 0.1)

    assert (found.plugin, found.what) == ("slow", what)
    assert watching.hung(1e9) is None


def test_of_what_is_inside_each_other_only_the_inner_is_looked_at():
    """A page that waits for another plugin's hook is not to blame; then it is looked at again."""
    with at_work("outer", PAGE):
        with at_work("inner", "guard", 1.0):
            assert watching.hung(1.0 + HOOK_SECONDS) is None
            assert watching.hung(1.1 + HOOK_SECONDS).plugin == "inner"
        assert watching.hung(PAGE_SECONDS + 0.1).plugin == "outer"


def test_time_in_which_the_process_stood_still_counts_for_nobody():
    """A machine that slept, or a container that was frozen."""
    with at_work("innocent", "guard"):
        assert watching.hung(100.0, awake=99.0) is None
        assert watching.hung(100.0, awake=97.0) is not None


def test_who_waits_for_the_database_does_not_hang(db):
    """Here another thread writes for long; a hook that needs the turn is not to blame for it."""
    began, done = threading.Event(), threading.Event()

    def write():
        with at_work("patient", "reserve"):
            began.set()
            with storage.in_turn():
                done.set()
        storage.close()

    with storage.in_turn():
        thread = threading.Thread(target=write)
        thread.start()
        began.wait(5)
        while not (found := stacks("in_turn")):
            pass
        assert watching.hung(1e9) is None
    thread.join(5)

    assert found
    assert done.is_set()


def stacks(name):
    return [work for work in watching._at_work.values() if name in str(work.stack.format())]


def test_the_stack_of_who_hangs_is_known():
    """So that the owner can tell the author where."""
    with at_work("slow", "guard"):
        stack = watching.hung(1e9).stack.format()

    assert "test_the_stack_of_who_hangs_is_known" in "".join(stack)


def test_calls_time_and_errors_are_counted():
    """What was taken is counted no more."""
    for fails in (False, True):
        watching.end("own", "guard", perf_counter() - 0.5, None, failed=fails)
    timing = watching.take_timings()["own", "guard"]

    assert (timing.calls, timing.errors) == (2, 1)
    assert 0.5 < timing.slowest < timing.seconds < 1.5
    assert watching.take_timings() == {}


class Unspeakable(Exception):
    """What fails at saying what it is."""

    def __str__(self):
        raise RuntimeError

    __repr__ = __str__


def test_what_cannot_be_said_is_named_by_its_type(monkeypatch, caplog):
    """An error or an answer that fails at being written is a failure of its plugin as any other."""
    told = []
    monkeypatch.setattr(watching, "failed", lambda *what: told.append(what[:2]))

    def fail():
        raise Unspeakable

    with watching.recorded() as calls:
        caller.run("odd", "guard", Unspeakable)
        with pytest.raises(PluginFailed, match="plugin odd failed in guard: Unspeakable"):
            caller.run("odd", "guard", fail)

    assert [one.answer for one in calls] == ["Unspeakable", "None"]
    assert told == [("odd", "guard")]


def test_a_refusal_is_no_failure(monkeypatch):
    """It is counted as a call."""
    monkeypatch.setattr(watching, "failed", pytest.fail)

    def refuse():
        raise OboloError("No.")

    with pytest.raises(OboloError, match="No"):
        caller.run("own", "guard", refuse)
    assert watching.take_timings()["own", "guard"].errors == 0


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, GeneratorExit, MemoryError])
def test_nothing_that_a_plugin_raises_ends_more_than_its_request(monkeypatch, caplog, kind):
    """In a thread of the server; Ctrl-C at a command is a person's and passes."""
    told, raised = [], []
    monkeypatch.setattr(watching, "failed", lambda *what: told.append(what[:2]))

    def fail():
        raise kind

    def serve():
        with pytest.raises(PluginFailed) as caught:
            caller.run("bad", "guard", fail)
        raised.append(caught.value)

    thread = threading.Thread(target=serve)
    thread.start()
    thread.join()

    assert told == [("bad", "guard")]
    assert kind.__name__ in str(raised[0])
    assert watching.is_interrupt(KeyboardInterrupt())
    assert not watching.is_interrupt(SystemExit())
