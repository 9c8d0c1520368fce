"""The circuit breaker: a plugin that fails again and again is paused, and the owner is told.

What fails is noted in memory, at no cost to the request, and stored by a thread of its own. A
plugin that hangs takes its process along: who ended it left a file behind, which any process reads.
"""

from __future__ import annotations

import logging
import os
import traceback
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec
from peewee import InterfaceError, OperationalError

from core.clock import now
from core.plugins import enabled, watching
from core.plugins.watching import Timing
from core.storage import execute, insert, instant, micros, new_id, transaction

log = logging.getLogger("obolo.plugins")
MOST_FAILURES, WITHIN = 5, timedelta(minutes=1)
"""So many failures in this time pause a plugin (five a minute)."""
KEPT = timedelta(days=7)
MOST_NOTED = 1_000
DAY_MICROS = 86_400_000_000
SHARED = (OperationalError, InterfaceError)
"""What is wrong then is the database, and every plugin would be blamed for it."""


class Failure(msgspec.Struct, frozen=True):
    """One thing that went wrong in a plugin; `at` in microseconds since 1970, UTC."""

    plugin: str
    what: str
    at: int
    error: str
    detail: str
    hung: bool = False

    @property
    def time(self) -> datetime:
        """When it was."""
        return instant(self.at)


_noted: deque[Failure] = deque(maxlen=MOST_NOTED)
_folder = Path()


def install(home: Path) -> None:
    """Note from now on what fails in this process; `home` is where hung processes leave word."""
    global _folder  # noqa: PLW0603 - one site a process
    _folder = home / "hung"
    watching.failed = note


def note(plugin: str, what: str, error: BaseException) -> None:
    """Remember a failure until `store` writes it down."""
    if isinstance(error, SHARED):
        return
    told = f"{type(error).__name__}: {error}"[:500]
    detail = "".join(traceback.format_exception(error))[-enabled.LONGEST_DETAIL :]
    _noted.append(Failure(plugin, what, micros(now()), told, detail))


def noted() -> list[Failure]:
    """Return what was noted in this process and is not stored yet, the newest last."""
    return list(_noted)


def store() -> list[str]:
    """Write down what was noted here, and what hung processes left; return who is paused for it."""
    taken = [_noted.popleft() for _ in range(len(_noted))] + _left_behind()
    if not taken:
        return []
    with transaction():
        insert("plugins_failure", [
            {"id": new_id("flr"), "plugin": one.plugin, "what": one.what, "at": one.at,
             "error": one.error, "detail": one.detail}
            for one in taken
        ])  # fmt: skip
        execute("DELETE FROM plugins_failure WHERE at < ?", [micros(now() - KEPT)])
        return [name for name in sorted({one.plugin for one in taken}) if _judge(name, taken)]


def _judge(plugin: str, taken: list[Failure]) -> bool:
    """Pause a plugin that hung once, or failed too often since it was last switched on."""
    last = next(one for one in reversed(taken) if one.plugin == plugin)
    if hung := next((one for one in taken if one.plugin == plugin and one.hung), None):
        return enabled.pause(plugin, f"It hung in {hung.what}: {hung.error}", hung.detail)
    found = enabled.entry(plugin)
    since = micros(now() - WITHIN)
    if found is not None:
        since = max(since, micros(found.changed))
    sql = "SELECT COUNT(*) FROM plugins_failure WHERE plugin = ? AND at >= ?"
    times = int(execute(sql, [plugin, since]).fetchone()[0])
    if times < MOST_FAILURES:
        return False
    return enabled.pause(
        plugin, f"It failed {times} times within a minute, last in {last.what}: {last.error}",
        last.detail,
    )  # fmt: skip


def failures(plugin: str, *, limit: int = 20) -> list[Failure]:
    """Return what went wrong in a plugin during the last week, newest first."""
    rows = execute(
        "SELECT plugin, what, at, error, detail FROM plugins_failure WHERE plugin = ? "
        "ORDER BY at DESC, id DESC LIMIT ?",
        [plugin, limit],
    ).fetchall()
    return [Failure(*row) for row in rows]


def end_if_hung(end: Callable[[], Any]) -> None:
    """Leave word of a hook that hangs, and call `end`, which ends this process."""
    work = watching.hung(perf_counter())
    if work is None:
        return
    seconds = perf_counter() - work.started
    told = f"no answer for {seconds:.1f} seconds"
    failure = Failure(work.plugin, work.what, micros(now()), told, "", hung=True)
    _folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    place = _folder / f"{os.getpid()}-{failure.at}"
    place.with_suffix(".part").write_bytes(msgspec.json.encode(failure))
    place.with_suffix(".part").rename(place.with_suffix(".json"))
    log.error("plugin %s hangs in %s: %s; this process ends", work.plugin, work.what, told)
    end()


def _left_behind() -> list[Failure]:
    """Take the words that hung processes left; each is taken by one process."""
    found = []
    for path in sorted(_folder.glob("*.json")):
        mine = path.with_suffix(f".{os.getpid()}")
        try:
            path.rename(mine)
            found.append(msgspec.json.decode(mine.read_bytes(), type=Failure))
            mine.unlink()
        except (OSError, msgspec.DecodeError):
            continue  # another process has it, or nobody can read it
    return found


def store_timings() -> None:
    """Add what was counted in this process to the sums of the day."""
    taken = watching.take_timings()
    day = micros(now()) // DAY_MICROS
    with transaction():
        for (plugin, what), timing in sorted(taken.items()):
            _add(plugin, what, day, timing)


def _add(plugin: str, what: str, day: int, timing: Timing) -> None:
    execute(
        "INSERT INTO plugins_timing (plugin, what, day, calls, micros, slowest, errors) "
        "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (plugin, what, day) DO UPDATE SET "
        "calls = plugins_timing.calls + excluded.calls, "
        "micros = plugins_timing.micros + excluded.micros, "
        "slowest = CASE WHEN plugins_timing.slowest > excluded.slowest "
        "THEN plugins_timing.slowest ELSE excluded.slowest END, "
        "errors = plugins_timing.errors + excluded.errors",
        [plugin, what, day, timing.calls, int(timing.seconds * 1e6),
         int(timing.slowest * 1e6), timing.errors],
    )  # fmt: skip


def timings(plugin: str, *, days: int = 7) -> dict[str, Timing]:
    """Return the sums of the last days for each hook of a plugin, the slowest in sum first."""
    rows = execute(
        "SELECT what, SUM(calls), SUM(micros), MAX(slowest), SUM(errors) FROM plugins_timing "
        "WHERE plugin = ? AND day > ? GROUP BY what ORDER BY SUM(micros) DESC",
        [plugin, micros(now()) // DAY_MICROS - days],
    ).fetchall()
    return {
        what: Timing(int(calls), float(total) / 1e6, float(slowest) / 1e6, int(errors))
        for what, calls, total, slowest, errors in rows
    }
