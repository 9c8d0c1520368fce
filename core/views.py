"""How often what was seen: daily sums by resource and stage, and nothing of who it was.

Counting is a number in memory. A thread of each process adds the numbers to the database every few
seconds, and once more when the process ends; a power cut forgets the last seconds.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, get_args

from core.clock import nanoseconds
from core.storage import close, database, execute, transaction

log = logging.getLogger("obolo.views")
Stage = Literal["teaser", "panel", "tap", "read"]
"""Closed and shown, its offers in view, an offer taken, open and shown."""
STAGES: tuple[Stage, ...] = get_args(Stage)
Key = tuple[int, str, str]
FLUSH_SECONDS = 5.0
MOST_KEYS = 20_000
"""What is counted beyond so many different numbers within a few seconds is dropped."""
ROWS = 200
EPOCH = date(1970, 1, 1)
DAY_NANOSECONDS = 86_400 * 10**9


class _Memory:
    """What this process counted for one database and did not store yet."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.counts: Counter[Key] = Counter()
        self.database: Any = None
        self.stop = threading.Event()
        self.thread: threading.Thread | None = None


_memory = _Memory()


def day_of(at: datetime) -> int:
    """Return the day of an instant as the tables keep it: days since 1970, UTC."""
    return (at.astimezone(UTC).date() - EPOCH).days


def date_of(day: int) -> date:
    """Return the date of a day that `day_of` numbered."""
    return EPOCH + timedelta(days=day)


def count(resource: str, stage: Stage) -> None:
    """Count one view of a resource today."""
    key = (nanoseconds() // DAY_NANOSECONDS, resource, stage)
    with _memory.lock:
        if _memory.database is not database.obj:
            _memory.counts, _memory.database = Counter(), database.obj
        if key in _memory.counts or len(_memory.counts) < MOST_KEYS:
            _memory.counts[key] += 1


def flush() -> int:
    """Add what was counted to the database; return how many numbers it was."""
    with _memory.lock:
        taken, _memory.counts = _memory.counts, Counter()
        if _memory.database is not database.obj:
            return 0
    try:
        store(taken)
    except Exception:
        with _memory.lock:
            _memory.counts.update(taken)
        raise
    return len(taken)


def store(counts: Mapping[Key, int]) -> None:
    """Add numbers of views by day, resource and stage."""
    rows = sorted((*key, n) for key, n in counts.items() if n)
    with transaction():
        for start in range(0, len(rows), ROWS):
            some = rows[start : start + ROWS]
            marks = ", ".join(["(?, ?, ?, ?)"] * len(some))
            execute(
                f"INSERT INTO views_day (day, resource, stage, n) VALUES {marks} "
                "ON CONFLICT (day, resource, stage) DO UPDATE SET n = views_day.n + excluded.n",
                [value for row in some for value in row],
            )


def sums(first: int, last: int) -> dict[str, dict[str, int]]:
    """Return the views of each resource by stage, from one day to another, both included."""
    found: dict[str, dict[str, int]] = {}
    for resource, stage, n in execute(
        "SELECT resource, stage, SUM(n) FROM views_day WHERE day BETWEEN ? AND ? "
        "GROUP BY resource, stage",
        [first, last],
    ).fetchall():
        found.setdefault(resource, {})[stage] = int(n)
    return found


def start_thread() -> None:
    """Store what this process counts every few seconds, until `stop_thread`."""
    assert _memory.thread is None, "the thread runs already"
    _memory.stop = threading.Event()
    _memory.thread = threading.Thread(target=_run, name="views", daemon=True)
    _memory.thread.start()


def stop_thread() -> None:
    """End the thread, after it stored what was counted."""
    thread, _memory.thread = _memory.thread, None
    if thread is not None:
        _memory.stop.set()
        thread.join(FLUSH_SECONDS)


def _run() -> None:
    ended = False
    while not ended:
        ended = _memory.stop.wait(FLUSH_SECONDS)
        try:
            flush()
        except Exception:
            log.exception("views could not be stored; they are kept for the next time")
            close()
    close()
