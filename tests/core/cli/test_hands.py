"""Few threads answer; who is held up holds up nobody else."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar

import pytest

from core import storage
from core.cli import hands
from core.cli.hands import SPARES, Hands

SOON = 10.0
"""Seconds that a busy machine may take; nothing is expected to take them."""


def ask(app, path="/"):
    """Ask as the server does, from this thread."""
    return b"".join(app({"PATH_INFO": path}, lambda *_: None))


class Slow:
    """An app that is held up on every path but `/` until it is let go, and counts who is in it."""

    def __init__(self):
        self.goes_on = threading.Event()
        self.held, self.inside, self.most = 0, 0, 0
        self.counting = threading.Lock()

    def __call__(self, environ, _start):
        with self.counting:
            self.inside += 1
            self.most = max(self.most, self.inside)
            self.held += environ["PATH_INFO"] != "/"
        if environ["PATH_INFO"] == "/":
            time.sleep(0.001)
        else:
            assert self.goes_on.wait(SOON * 3)
        with self.counting:
            self.inside -= 1
        return [environ["PATH_INFO"].encode()]


def until(holds):
    deadline = time.monotonic() + SOON
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def threads_named(name):
    return [one for one in threading.enumerate() if one.name == name]


@pytest.fixture
def other_hands():
    """Return how many hands other tests left behind: they live as long as their process."""
    return len(threads_named("hand"))


@pytest.fixture(autouse=True)
def closed(monkeypatch):
    """Return which threads let go of their connection; here they have none."""
    threads = []
    monkeypatch.setattr(storage, "close", lambda: threads.append(threading.current_thread()))
    return threads


@pytest.mark.parametrize("at_once", [1, 3])
def test_as_many_work_at_once_as_it_was_told(at_once, monkeypatch):
    """However many ask; and everybody gets their own answer."""
    monkeypatch.setattr(hands, "PATIENCE_SECONDS", SOON)
    app = Slow()
    several = Hands(app, at_once)
    paths = ["/"] * 60
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda path: ask(several, path), paths))

    assert answers == [b"/"] * 60
    assert app.most == at_once


@pytest.mark.parametrize("at_once", [1, 4])
def test_who_is_held_up_holds_up_nobody_else(at_once):
    """Twelve slow providers, and pages are answered all the same, at once."""
    app = Slow()
    several = Hands(app, at_once)
    with ThreadPoolExecutor(12) as pool:
        slow = [pool.submit(ask, several, f"/slow/{number}") for number in range(12)]
        until(lambda: app.held == 12)
        for _ in range(20):
            started = time.monotonic()
            assert ask(several) == b"/"
            assert time.monotonic() - started < SOON / 2
        app.goes_on.set()

        assert [one.result(SOON) for one in slow] == [
            f"/slow/{number}".encode() for number in range(12)
        ]


def test_who_comes_at_the_same_moment_as_a_slow_one_is_answered():
    """Whether or not a hand has taken up the slow one by then, and though nobody comes after."""
    for _ in range(20):
        app = Slow()
        several = Hands(app, 1)
        with ThreadPoolExecutor(2) as pool:
            slow, page = pool.submit(ask, several, "/slow"), pool.submit(ask, several)

            assert page.result(SOON) == b"/"
            assert not slow.done()
            app.goes_on.set()
            assert slow.result(SOON) == b"/slow"


def test_without_another_hand_they_would_all_wait(monkeypatch):
    """The weak twin: who is never impatient waits for the slow one."""
    monkeypatch.setattr(hands, "PATIENCE_SECONDS", SOON)
    app = Slow()
    several = Hands(app, 1)
    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(ask, several, "/slow")
        until(lambda: app.held == 1)
        page = pool.submit(ask, several)
        with pytest.raises(TimeoutError):
            page.result(0.3)
        app.goes_on.set()

        assert (slow.result(SOON), page.result(SOON)) == (b"/slow", b"/")


def test_those_that_are_no_longer_needed_end_with_their_connection(other_hands, closed):
    """Some are kept for the next time that somebody is held up, and are the ones who go on then."""
    app = Slow()
    several = Hands(app, 1)
    for _ in range(3):
        app.goes_on.clear()
        held = app.held
        with ThreadPoolExecutor(9) as pool:
            for number in range(9):
                pool.submit(ask, several, f"/slow/{number}")
            until(lambda before=held: app.held == before + 9)
            app.goes_on.set()
        until(lambda: len(threads_named("hand")) - other_hands <= 1 + SPARES)
        assert ask(several) == b"/"

    assert {one.name for one in closed} == {"hand"}


def test_who_asks_the_site_from_within_is_answered():
    """A plugin that fetches a page of its own site waits for a hand that is not its own."""

    def app(environ, _start):
        if environ["PATH_INFO"] == "/outer":
            return [b"outer of " + ask(several, "/inner")]
        return [b"inner"]

    several = Hands(app, 1)

    assert ask(several, "/outer") == b"outer of inner"


def test_what_the_app_raises_is_raised_where_it_was_asked():
    """So that the server says 500; the hand goes on with the next."""

    def app(environ, _start):
        if environ["PATH_INFO"] == "/":
            return [b"fine"]
        raise SystemExit(environ["PATH_INFO"])

    several = Hands(app, 1)
    with pytest.raises(SystemExit, match="/broken"):
        ask(several, "/broken")

    assert ask(several) == b"fine"


def test_what_is_made_while_it_is_sent_is_made_by_who_sends_it(closed):
    """With what the request had set; it is told of its end, and no connection is left open."""
    said = ContextVar("said", default="nothing")
    seen = []

    class Body:
        def __iter__(self):
            for _ in range(2):
                seen.append((threading.current_thread(), said.get()))
                yield b"part"
                yield b""  # which is no end

        def close(self):
            seen.append((threading.current_thread(), said.get()))

    def app(_environ, _start):
        said.set("this request")
        return Body()

    assert ask(Hands(app, 1)) == b"partpart"
    assert seen == [(threading.current_thread(), "this request")] * 3
    assert closed == [threading.current_thread()]
    assert said.get() == "nothing"
