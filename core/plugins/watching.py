"""Who works at this moment, for how long plugins worked, and what failed: kept in each process.

A hook that hangs cannot be ended, only its process can. A thread of the server looks which hooks
run for too long (`hung`), writes down whose it was, and ends the process; the breaker reads it.
"""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import get_ident
from time import perf_counter
from typing import NamedTuple

HOOK_SECONDS = 2.0
"""A hook that somebody waits for longer than this hangs."""
PAGE_SECONDS = 30.0
"""A page may ask a provider, and a provider somebody outside, by calls of ten seconds or so."""
PAGE = "page"
OUTSIDE = frozenset({
    PAGE, "check_health", "provider begin", "provider look_up", "provider act", "provider hear",
})  # fmt: skip
"""What may ask somebody outside."""
THEME, THEME_SECONDS = "theme:", 8.0
"""Before a theme's name where it draws a page, and how long that may take."""
BEHIND_SECONDS = 600.0
UNHURRIED = ("register_", "on_", "task ", "send_message")
"""Nobody waits for these: they are asked while an app is built, or behind the pages."""
WAITING = frozenset({
    ("peewee.py", "connect"), ("peewee.py", "begin"), ("database.py", "in_turn"),
})  # fmt: skip
"""Whoever stands in one of these waits for the database, or for whoever writes now."""


class Work(NamedTuple):
    """What a thread works at, since when on the clock of `perf_counter`."""

    plugin: str
    what: str
    started: float
    thread: int

    @property
    def most(self) -> float:
        """The seconds that it may take."""
        if self.what.startswith(UNHURRIED):
            return BEHIND_SECONDS
        if self.plugin.startswith(THEME):
            return THEME_SECONDS
        return PAGE_SECONDS if self.what in OUTSIDE else HOOK_SECONDS

    @property
    def stack(self) -> traceback.StackSummary:
        """Where its thread stands now."""
        frame = sys._current_frames().get(self.thread)  # noqa: SLF001 - there is no other way
        return traceback.StackSummary.extract(traceback.walk_stack(frame) if frame else ())


@dataclass(slots=True)
class Timing:
    """How often a hook was called in this process, for how long, and how often it failed."""

    calls: int = 0
    seconds: float = 0.0
    slowest: float = 0.0
    errors: int = 0


class Call(NamedTuple):
    """One call that was recorded: how many seconds it took, and its answer in short."""

    plugin: str
    what: str
    seconds: float
    answer: str


class _Recorder:
    """Where calls are recorded, while somebody wants that."""

    calls: list[Call] | None = None


@contextmanager
def recorded() -> Iterator[list[Call]]:
    """Yield a list to which every call of a plugin in this process is added."""
    calls = _Recorder.calls = []
    try:
        yield calls
    finally:
        _Recorder.calls = None


def record(plugin: str, what: str, seconds: float, answer: object) -> None:
    """Add a call to the list, if there is one."""
    if _Recorder.calls is not None:
        _Recorder.calls.append(Call(plugin, what, seconds, _in_short(answer)))


def _in_short(answer: object) -> str:
    try:
        return " ".join(repr(answer).split())[:80]
    except Exception:  # noqa: BLE001 - a stranger's object may fail at saying what it is
        return type(answer).__name__


_at_work: dict[int, Work] = {}
_timings: dict[tuple[str, str], Timing] = {}


def _log_only(_plugin: str, _what: str, _error: BaseException) -> None:
    """Leave it at the log."""


failed: Callable[[str, str, BaseException], None] = _log_only
"""Told of everything that a plugin raised; the breaker puts itself here."""


def begin(plugin: str, what: str, started: float) -> Work | None:
    """Note that this thread works at something; return what it was at before."""
    thread = get_ident()
    before = _at_work.get(thread)
    _at_work[thread] = Work(plugin, what, started, thread)
    return before


def at_work() -> Work | None:
    """Return what this thread works at for a plugin, if anything."""
    return _at_work.get(get_ident())


def end(plugin: str, what: str, started: float, before: Work | None, *, failed: bool) -> float:
    """Note that it is done; return the seconds that it took."""
    if before is None:
        _at_work.pop(get_ident(), None)
    else:
        _at_work[before.thread] = before
    took = perf_counter() - started
    timing = _timings.get((plugin, what))
    if timing is None:
        timing = _timings[plugin, what] = Timing()
    timing.calls += 1
    timing.seconds += took
    timing.slowest = max(timing.slowest, took)
    timing.errors += failed
    return took


def hung(at: float, awake: float = 0.0) -> Work | None:
    """Return work that takes too long at an instant of `perf_counter`.

    `awake`: since when this process runs without a stop; the time before it counts for nobody. Who
    waits for the database does not hang by itself.
    """
    for work in list(_at_work.values()):
        if at - max(work.started, awake) > work.most and not _waits(work):
            return work
    return None


def _waits(work: Work) -> bool:
    frames = {(frame.filename.rpartition("/")[2], frame.name) for frame in work.stack}
    return bool(frames & WAITING)


def take_timings() -> dict[tuple[str, str], Timing]:
    """Return what was counted since the last time, and begin anew."""
    taken = dict(_timings)
    for key in taken:
        _timings.pop(key, None)
    return taken


def is_interrupt(error: BaseException) -> bool:
    """Tell whether a person wants this process to end: Ctrl-C, at a command."""
    is_main = threading.current_thread() is threading.main_thread()
    return isinstance(error, KeyboardInterrupt) and is_main
