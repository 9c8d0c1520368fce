"""The one place that knows what time it is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta

_shift: ContextVar[timedelta] = ContextVar("shift", default=timedelta())
MICROSECOND = timedelta(microseconds=1)


def now() -> datetime:
    """Return the present instant, in UTC, with microseconds."""
    present, shift = datetime.now(UTC), _shift.get()
    return present + shift if shift else present


def nanoseconds() -> int:
    """Return the present instant in nanoseconds since 1970, for ids in order of time."""
    present, shift = time.time_ns(), _shift.get()
    return present + shift // MICROSECOND * 1000 if shift else present


@contextmanager
def set_to(instant: datetime) -> Iterator[None]:
    """Let the caller's own thread live from another instant on; all others keep their time.

    For a demo site, whose past is made by the functions that make the present.
    """
    token = _shift.set(instant - datetime.now(UTC))
    try:
        yield
    finally:
        _shift.reset(token)
