"""Days, counted from 1970 in UTC, and the spans of them that figures are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from core.views import date_of, day_of

DAY_MICROS = 86_400 * 1_000_000


@dataclass(frozen=True, slots=True)
class Span:
    """Days from `first` to `last`, both included, as `views.day_of` numbers them."""

    first: int
    last: int

    @property
    def days(self) -> range:
        """Each day of it."""
        return range(self.first, self.last + 1)

    @property
    def before(self) -> Span:
        """The same number of days just before it."""
        return Span(self.first - len(self.days), self.first - 1)

    @property
    def dates(self) -> list[date]:
        """The date of each day."""
        return [date_of(day) for day in self.days]


def last_days(number: int, at: datetime) -> Span:
    """Return the span of so many days that ends with the day of an instant."""
    return Span(day_of(at) - number + 1, day_of(at))


def starts(day: int) -> int:
    """Return the first microsecond of a day."""
    return day * DAY_MICROS
