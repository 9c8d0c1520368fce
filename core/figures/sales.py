"""What was sold of each resource, and how long readers waited for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core import views
from core.figures.daily import SALES, WAITED, read
from core.figures.spans import Span
from core.money import Money


@dataclass(frozen=True, slots=True)
class Sale:
    """A resource within a span: how often it was seen, sold and given back, and its income."""

    resource: str
    teasers: int
    panels: int
    taps: int
    reads: int
    sold: int
    returned: int
    income: Money

    @property
    def seen(self) -> int:
        """How often its page was shown, closed or open."""
        return self.teasers + self.reads

    @property
    def unlock_rate(self) -> float | None:
        """The part of the teasers that became sales; None where none was counted."""
        return self.sold / self.teasers if self.teasers else None

    @property
    def per_thousand(self) -> Money | None:
        """The income of a thousand readings; None where none was counted."""
        if not self.seen:
            return None
        return Money(round(self.income.minor * 1000 / self.seen), self.income.currency)

    @property
    def refund_rate(self) -> float:
        """The part of the sales that was given back."""
        return self.returned / self.sold if self.sold else 0.0


def sales(span: Span, *, mode: str, currency: str) -> list[Sale]:
    """Return what was sold or seen within a span, the largest income first."""
    seen = views.sums(span.first, span.last)
    sold: dict[str, Sequence[int]] = dict.fromkeys(seen, (0, 0, 0))
    for (resource, of), sums in read(SALES, span, mode).items():
        if of == currency:
            sold[resource] = sums
    found = []
    for resource, (n, minor, returned) in sold.items():
        teasers, panels, taps, reads = (seen.get(resource, {}).get(one, 0) for one in views.STAGES)
        income = Money(minor, currency)
        found.append(Sale(resource, teasers, panels, taps, reads, n, returned, income))
    return sorted(found, key=lambda one: (-one.income.minor, -one.seen, one.resource))


def waited(span: Span, *, mode: str) -> tuple[int, int] | None:
    """Return within how many seconds half, and 95 of a hundred, had their text after the order.

    None when nothing was sold.
    """
    counts = {seconds: n for (seconds,), (n,) in read(WAITED, span, mode).items()}
    whole = sum(counts.values())
    return (_within(counts, whole, 0.5), _within(counts, whole, 0.95)) if whole else None


def _within(counts: Mapping[int, int], whole: int, part: float) -> int:
    passed = 0
    for seconds in sorted(counts):
        passed += counts[seconds]
        if passed >= whole * part:
            return seconds
    return max(counts)
