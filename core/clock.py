"""The one place that knows what time it is."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """Return the present instant, in UTC, with microseconds."""
    return datetime.now(UTC)
