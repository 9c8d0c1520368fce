"""The site while it runs: an app is never changed, the next one takes its place.

Each process looks twice a second whether the list of plugins was changed, builds the app for the
new list beside the one that serves, and swaps. Requests that are under way end with the app that
they began with. Two threads of the process do this; they start with the first request after a fork.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from flask import Flask

from core import app as house
from core import plugins, settings, storage
from core.config import Config
from core.plugins import breaker, enabled
from core.plugins.watching import THEME
from core.themes import Themes

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

log = logging.getLogger("obolo")
LOOK_SECONDS = 0.5
WATCH_SECONDS = 0.25
LATE_SECONDS = 1.0
"""A watch that comes so much late was stopped, and with it whatever it watches."""
TIMINGS_EVERY = 20
"""Looks after which the timings of this process are added to those of the day."""
AGAIN_SECONDS = 10.0
"""After this time an app that could not be built is tried again."""
LONGEST_PAUSE = 5.0


class Site:
    """A WSGI application that serves the app for the plugins that are on now."""

    def __init__(self, config: Config) -> None:
        """Prepare the process and build the first app."""
        self.config = config
        house.prepare(config)
        self._generation = settings.generation(enabled.GENERATION)  # before the list is read
        self.app = house.build(config)
        house.go_live(self.app)
        self._building = threading.Lock()
        self._starting = threading.Lock()
        self._again_at = 0.0
        self._process = 0
        self._looks = 0

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer with the present app, and with its plugins to the end."""
        if self._process != os.getpid():
            self.start_threads()
        app = self.app
        loaded: plugins.Loaded = app.extensions["obolo_plugins"]
        with plugins.serving(loaded):
            body: Iterable[bytes] = app(environ, start_response)
        is_whole = isinstance(body, (list, environ.get("wsgi.file_wrapper") or list))
        return body if is_whole else _Body(body, loaded)  # the server sends a file itself

    def refresh(self) -> bool:
        """Build and swap if the list of plugins was changed; tell whether it was.

        An app that cannot be built changes nothing: the old one serves on, the log says why, and it
        is tried again in a while. Raises what the database raises.
        """
        with self._building:
            generation = settings.generation(enabled.GENERATION)
            if generation == self._generation or time.monotonic() < self._again_at:
                return False
            started = time.perf_counter()
            try:
                app = house.build(self.config)
            except Exception as error:
                if storage.is_shared(error):
                    raise
                self._again_at = time.monotonic() + AGAIN_SECONDS
                log.exception("the site serves on as it was: it cannot be built anew")
                return False
            self.swap(app)
            self._generation, self._again_at = generation, 0.0
        log.info("the site was built anew in %.0f ms", (time.perf_counter() - started) * 1000)
        return True

    def swap(self, app: Flask) -> None:
        """Serve this app from now on."""
        house.go_live(app)
        self.app = app

    def look(self) -> None:
        """Store what failed, follow the list of plugins, and now and then add up the timings."""
        self._looks += 1
        for name in breaker.store():
            if name.startswith(THEME):
                self._take_off(name.removeprefix(THEME))
        if self.refresh():
            gc.collect()  # the app that went is a ring of objects
        if self._looks % TIMINGS_EVERY == 0:
            breaker.store_timings()

    def _take_off(self, theme: str) -> None:
        """Wear the plain theme from now on, if it is this one that is worn."""
        themes: Themes = self.app.extensions["obolo_themes"]
        with plugins.serving(self.app.extensions["obolo_plugins"]):
            themes.take_off(theme)

    def catch_up(self) -> None:
        """Look at once in a process that was just forked; it serves without a database, too."""
        _tried(self.look)

    def start_threads(self, end: Callable[[], object] | None = None) -> None:
        """Look after this process; `end` is what ends it when a plugin hangs."""
        with self._starting:
            if self._process == os.getpid():
                return
            self._process = os.getpid()
        watch = partial(breaker.end_if_hung, end or _kill)
        for name, work in (("watch", partial(_watch, watch)), ("look", partial(_again, self.look))):
            threading.Thread(target=work, name=f"plugins.{name}", daemon=True).start()


class _Body:
    """The rest of an answer, made with the plugins that it began with."""

    def __init__(self, body: Iterable[bytes], loaded: plugins.Loaded) -> None:
        self._body, self._parts, self._loaded = body, iter(body), loaded

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        with plugins.serving(self._loaded):
            return next(self._parts)

    def close(self) -> None:
        """Let the app know that the answer is sent, or wanted no more."""
        close = getattr(self._body, "close", None)
        if close is not None:
            with plugins.serving(self._loaded):
                close()


def _watch(work: Callable[[float], object]) -> None:
    """Look for what hangs, for as long as the process lives."""
    process, awake, last = os.getpid(), 0.0, time.perf_counter()
    while os.getpid() == process:
        at = time.perf_counter()
        if at - last > WATCH_SECONDS + LATE_SECONDS:
            awake = at
        last = at
        _tried(partial(work, awake))
        time.sleep(WATCH_SECONDS)


def _again(work: Callable[[], object]) -> None:
    """Do this again and again, less often while it fails, for as long as the process lives."""
    process, failed = os.getpid(), 0
    while os.getpid() == process:
        failed = 0 if _tried(work) else failed + 1
        time.sleep(min(LOOK_SECONDS * 2 ** min(failed, 8), LONGEST_PAUSE))


def _tried(work: Callable[[], object]) -> bool:
    try:
        work()
    except BaseException:  # a thread that ends leaves this process to itself for ever
        log.exception("%s failed", threading.current_thread().name)
        with suppress(Exception):
            storage.close()  # it may be dead; the next statement opens a new one
        return False
    return True


def _kill() -> None:
    """End this process at once: a hook that hangs may hold any lock, so nothing is waited for."""
    os.kill(os.getpid(), signal.SIGKILL)
