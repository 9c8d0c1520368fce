"""The circuit breaker: a plugin that fails again and again is paused, and the owner is told.

What fails is noted in memory, at no cost to the request, and stored by a thread of its own. A
plugin that hangs takes its process along: who ended it left a file behind, which any process reads.
"""

from __future__ import annotations

import logging
import os
import traceback
from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec

from core.clock import now
from core.errors import in_words
from core.plugins import enabled, watching
from core.plugins.watching import Timing
from core.storage import (
    execute,
    insert,
    instant,
    is_shared,
    lock_name,
    micros,
    new_id,
    transaction,
)

log = logging.getLogger("obolo.plugins")
MOST_FAILURES, WITHIN = 5, timedelta(minutes=1)
"""So many failures in this time pause a plugin (five a minute)."""
KEPT, MOST_KEPT = timedelta(days=7), 100
"""For how long failures are kept, and how many of one plugin."""
TIMINGS_KEPT_DAYS = 30
MOST_NOTED = 1_000
LONGEST_ERROR = 500
DAY_MICROS = 86_400_000_000


class Failure(msgspec.Struct, frozen=True):
    """One thing that went wrong in a plugin; `at` in microseconds since 1970, UTC."""

    plugin: str
    what: str
    at: int
    error: str
    detail: str
    id: str = ""
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
    _noted.clear()
    watching.failed = note


def note(plugin: str, what: str, error: BaseException) -> None:
    """Remember a failure until `store` writes it down, unless the database is behind it."""
    if is_shared(error):
        return
    detail = "".join(traceback.format_exception(error))[-enabled.LONGEST_DETAIL :]
    told = in_words(error)[:LONGEST_ERROR]
    _noted.append(Failure(plugin, what, micros(now()), told, detail, new_id("flr")))


def noted() -> list[Failure]:
    """Return what was noted in this process and is not stored yet, the newest last."""
    return list(_noted)


def store() -> list[str]:
    """Write down what was noted here, and what hung processes left; return who is paused for it.

    A theme is among them as `theme:<name>`.
    What cannot be written is kept for the next time.
    """
    left = _left_behind()
    taken = [_noted.popleft() for _ in range(len(_noted))]
    if not taken and not left:
        return []
    try:
        with transaction():
            paused = _write([*taken, *left.values()])
    except Exception:
        _noted.extendleft(reversed(taken))
        raise
    for path in left:
        path.unlink(missing_ok=True)
    return paused


def _write(taken: list[Failure]) -> list[str]:
    """Two processes may have found the same word of a third one; it counts once, by its id."""
    lock_name(enabled.GENERATION)  # each counts after what the one before stored
    by_plugin = {one.plugin: [two for two in taken if two.plugin == one.plugin] for one in taken}
    for some in by_plugin.values():
        insert("plugins_failure", [
            {"id": one.id, "plugin": one.plugin, "what": one.what, "at": one.at,
             "error": one.error, "detail": one.detail}
            for one in some[-MOST_KEPT:]
        ], ignore=True)  # fmt: skip
    paused = [name for name, some in sorted(by_plugin.items()) if _judge(name, some)]
    _forget(by_plugin)
    return paused


def _forget(plugins: Iterable[str]) -> None:
    execute("DELETE FROM plugins_failure WHERE at < ?", [micros(now() - KEPT)])
    for plugin in plugins:
        execute(
            "DELETE FROM plugins_failure WHERE plugin = ? AND id NOT IN (SELECT id FROM "
            "plugins_failure WHERE plugin = ? ORDER BY at DESC, id DESC LIMIT ?)",
            [plugin, plugin, MOST_KEPT],
        )


def _judge(plugin: str, taken: list[Failure]) -> bool:
    """Pause a plugin that hung once, or failed too often since it was last switched on."""
    found = enabled.entry(plugin)
    since = micros(found.changed) if found is not None else 0
    if hung := next((one for one in taken if one.hung and one.at >= since), None):
        return _pause(plugin, f"It hung in {hung.what}: {hung.error}", hung.detail)
    sql = "SELECT COUNT(*) FROM plugins_failure WHERE plugin = ? AND at >= ?"
    times = int(execute(sql, [plugin, max(since, micros(now() - WITHIN))]).fetchone()[0])
    if times < MOST_FAILURES:
        return False
    last = taken[-1]
    return _pause(
        plugin, f"It failed {times} times within a minute, last in {last.what}: {last.error}",
        last.detail,
    )  # fmt: skip


def _pause(name: str, reason: str, detail: str) -> bool:
    """Pause a plugin; a theme is only named, and whoever knows themes takes it off."""
    return name.startswith(watching.THEME) or enabled.pause(name, reason, detail)


def failures(plugin: str, *, limit: int = 20) -> list[Failure]:
    """Return what went wrong in a plugin during the last week, newest first."""
    rows = execute(
        "SELECT plugin, what, at, error, detail, id FROM plugins_failure WHERE plugin = ? "
        "ORDER BY at DESC, id DESC LIMIT ?",
        [plugin, limit],
    ).fetchall()
    return [Failure(*row) for row in rows]


def end_if_hung(end: Callable[[], Any], awake: float = 0.0) -> None:
    """Leave word of a hook that hangs, and call `end`, which ends this process.

    `awake` is since when this process runs without a stop, on the clock of `perf_counter`.
    """
    work = watching.hung(perf_counter(), awake)
    if work is None:
        return
    told = f"no answer for {perf_counter() - work.started:.1f} seconds"
    detail = "".join(reversed(work.stack.format()))[-enabled.LONGEST_DETAIL :]
    at = micros(now())
    failure = Failure(work.plugin, work.what, at, told, detail, new_id("flr"), hung=True)
    _folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    place = _folder / f"{os.getpid()}-{at}"
    place.with_suffix(".part").write_bytes(msgspec.json.encode(failure))
    place.with_suffix(".part").rename(place.with_suffix(".json"))
    log.error("plugin %s hangs in %s: %s; this process ends", work.plugin, work.what, told)
    end()


def _left_behind() -> dict[Path, Failure]:
    """Read the words that hung processes left; a word that nobody can read goes."""
    found = {}
    for path in sorted(_folder.glob("*.json")):
        try:
            found[path] = msgspec.json.decode(path.read_bytes(), type=Failure)
        except OSError:
            continue  # another process has it stored
        except msgspec.DecodeError:
            path.unlink(missing_ok=True)
    return found


def store_timings() -> None:
    """Add what was counted in this process to the sums of the day."""
    taken = watching.take_timings()
    if not taken:
        return
    day = micros(now()) // DAY_MICROS
    with transaction():
        for (plugin, what), timing in sorted(taken.items()):
            _add(plugin, what, day, timing)
        execute("DELETE FROM plugins_timing WHERE day < ?", [day - TIMINGS_KEPT_DAYS])


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
