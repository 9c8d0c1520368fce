"""The threads of a worker that do its requests: few, and others only where those are held up.

Where several threads share the work, each lets the others in at every statement of the database,
and all of them pay for it. So the server's threads hand over what they are asked, and wait. What
holds somebody up, such as a slow provider, holds up nobody else: another thread goes on in its
place.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextvars import copy_context
from queue import SimpleQueue
from typing import TYPE_CHECKING

from core import storage

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

ON_SQLITE, ON_POSTGRES = 1, 2
"""How many work at once: SQLite has one writer anyway, PostgreSQL is waited for (`make bench`)."""
PATIENCE_SECONDS = 0.05
"""Who takes longer waits for somebody, or is long at work: another thread goes on.

A database under load is no such somebody; it would only get more connections to serve.
"""
SPARES = 4
"""So many wait, each with its connection, until somebody is held up again."""


class Hands:
    """A WSGI application that lets few threads do what another one is asked."""

    def __init__(self, app: WSGIApplication, at_once: int) -> None:
        """Take what answers, and how many threads do so while nothing holds them up."""
        self._app = app
        self._jobs: SimpleQueue[_Job] = SimpleQueue()
        self._changing = threading.Lock()
        self._at_work: list[_Hand] = []
        self._spare: list[_Hand] = []
        with self._changing:
            self._at_work += [self._another() for _ in range(at_once)]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Let it be done, and wait; raises what the app raises."""
        job = _Job(environ, start_response)
        self._jobs.put(job)
        while not job.is_done.acquire(timeout=PATIENCE_SECONDS):
            if job.has_begun:
                job.is_done.acquire()
                break
            self._relieve()
        return job.answer()

    def _relieve(self) -> None:
        """Put another hand in the place of each that is held up."""
        with self._changing:
            for place, hand in enumerate(self._at_work):
                if hand.is_held_up():
                    self._at_work[place] = self._another()

    def _another(self) -> _Hand:
        if self._spare:
            hand = self._spare.pop()
            hand.is_wanted.release()
        else:
            hand = _Hand()
            threading.Thread(target=self._work, args=(hand,), name="hand", daemon=True).start()
        return hand

    def _work(self, hand: _Hand) -> None:
        """Do one request after the other, as long as this hand is needed."""
        while self._goes_on(hand):
            job = self._jobs.get()
            hand.since = time.monotonic()
            job.do(self._app)
            hand.since = 0.0
            del job
        storage.close()

    def _goes_on(self, hand: _Hand) -> bool:
        """Wait where another one works in this hand's place; with enough spares, end instead."""
        if hand in self._at_work:
            return True
        with self._changing:
            if hand in self._at_work:
                return True
            if len(self._spare) == SPARES:
                return False
            self._spare.append(hand)
        hand.is_wanted.acquire()
        return True


class _Hand:
    """A thread: since when it does what it does, or 0.0, and whether it is wanted again."""

    def __init__(self) -> None:
        self.since = 0.0
        self.is_wanted = threading.Lock()
        self.is_wanted.acquire()

    def is_held_up(self) -> bool:
        since = self.since
        return since > 0 and time.monotonic() - since > PATIENCE_SECONDS


class _Job:
    """A request that was handed over, and what became of it."""

    def __init__(self, environ: WSGIEnvironment, start_response: StartResponse) -> None:
        self._environ, self._start_response = environ, start_response
        self._context = copy_context()
        self._error: BaseException | None = None
        self._body: Iterable[bytes] = ()
        self.has_begun = False
        self.is_done = threading.Lock()
        self.is_done.acquire()

    def do(self, app: WSGIApplication) -> None:
        """Let the app answer; whoever waits goes on, whatever came of it."""
        self.has_begun = True
        try:
            self._body = self._context.run(app, self._environ, self._start_response)
        except BaseException as error:  # noqa: BLE001 - it is raised where it belongs
            self._error = error
        self.is_done.release()

    def answer(self) -> Iterable[bytes]:
        """Return the body; one that is made while it is sent is made by whoever sends it."""
        if self._error is not None:
            raise self._error
        return self._body if isinstance(self._body, list) else self._rest(self._body)

    def _rest(self, body: Iterable[bytes]) -> Iterator[bytes]:
        parts = iter(body)
        try:
            while (part := self._context.run(next, parts, None)) is not None:
                yield part
        finally:
            if close := getattr(body, "close", None):
                self._context.run(close)
            storage.close()
