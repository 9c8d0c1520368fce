"""The site while it runs: an app is never changed, the next one takes its place.

Each process looks twice a second whether the list of plugins was changed, builds the app for the
new list beside the one that serves, and swaps. Requests that are under way end with the app that
they began with. Two threads of the process do this; they start with the first request after a fork.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from flask import Flask

from core import app as house
from core import plugins, settings, storage
from core.config import Config
from core.plugins import breaker, enabled

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

log = logging.getLogger("obolo")
LOOK_SECONDS = 0.5
WATCH_SECONDS = 0.25
TIMINGS_EVERY = 20
"""Looks after which the timings of this process are added to those of the day."""


class Site:
    """A WSGI application that serves the app for the plugins that are on now."""

    def __init__(self, config: Config) -> None:
        """Prepare the process and build the first app."""
        self.config = config
        self.app = house.create_app(config)
        self._generation = settings.generation(enabled.GENERATION)
        self._building = threading.Lock()
        self._process = 0

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer with the present app, and with its plugins to the end."""
        if self._process != os.getpid():
            self.start_threads()
        app = self.app
        with plugins.serving(app.extensions["obolo_plugins"]):
            return app(environ, start_response)

    def refresh(self) -> bool:
        """Build and swap if the list of plugins was changed; tell whether it was.

        An app that cannot be built changes nothing: the old one serves on, and the log says why.
        """
        generation = settings.generation(enabled.GENERATION)
        if generation == self._generation:
            return False
        with self._building:
            self._generation = generation
            started = time.perf_counter()
            try:
                self.swap(house.build(self.config))
            except Exception:
                log.exception("the site serves on as it was: it cannot be built anew")
                return False
        log.info("the site was built anew in %.0f ms", (time.perf_counter() - started) * 1000)
        return True

    def swap(self, app: Flask) -> None:
        """Serve this app from now on."""
        house.go_live(app)
        self.app = app

    def start_threads(self, end: Callable[[], object] | None = None) -> None:
        """Look after this process; `end` is what ends it when a plugin hangs."""
        self._process = os.getpid()
        for name, pause, work in (
            ("plugins.watch", WATCH_SECONDS, lambda: breaker.end_if_hung(end or _kill)),
            ("plugins.look", LOOK_SECONDS, self._look_after()),
        ):
            threading.Thread(target=_again, args=[pause, work], name=name, daemon=True).start()

    def _look_after(self) -> Callable[[], None]:
        looks = 0

        def look() -> None:
            nonlocal looks
            looks += 1
            breaker.store()
            self.refresh()
            if looks % TIMINGS_EVERY == 0:
                breaker.store_timings()

        return look


def _again(pause: float, work: Callable[[], object]) -> None:
    """Do this again and again for as long as the process lives."""
    process = os.getpid()
    while os.getpid() == process:
        try:
            work()
        except Exception:
            log.exception("%s failed", threading.current_thread().name)
            storage.close()  # it may be dead; the next statement opens a new one
        time.sleep(pause)


def _kill() -> None:
    """End this process at once: a hook that hangs may hold any lock, so nothing is waited for."""
    os.kill(os.getpid(), signal.SIGKILL)
