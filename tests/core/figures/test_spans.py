"""Days and spans of them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

from core.figures.spans import DAY_MICROS, Span, last_days, starts
from core.storage import micros
from core.views import day_of


def test_a_span_ends_with_today_and_lies_beside_the_one_before():
    """No day is missing between the two, and none is in both."""
    span = last_days(7, datetime(2026, 11, 20, 23, 59, tzinfo=UTC))

    assert span.dates[0] == date(2026, 11, 14)
    assert span.dates[-1] == date(2026, 11, 20)
    assert len(span.before.days) == 7
    assert span.before.last + 1 == span.first
    assert Span(3, 2).dates == []


def test_a_day_begins_at_midnight_in_utc():
    """Wherever the server stands."""
    rome = timezone(timedelta(hours=1))
    day = day_of(datetime(2026, 11, 20, 0, 30, tzinfo=rome))

    assert starts(day) == micros(datetime(2026, 11, 19, tzinfo=UTC))
    assert starts(day + 1) - starts(day) == DAY_MICROS
