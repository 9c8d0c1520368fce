"""What a span of days brought: net by day and kind, from gross to net, fees by provider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.figures.daily import BACK, Sum, money
from core.figures.spans import Span
from core.money import Money

INCOME, VAT, FEES = "income:", "liabilities:vat:", "expenses:fees:"


@dataclass(frozen=True, slots=True)
class Fees:
    """What a provider took of what was paid through it."""

    provider: str
    paid: Money
    fees: Money

    @property
    def share(self) -> float:
        """The fees as a part of what was paid."""
        return self.fees.minor / self.paid.minor if self.paid.minor > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Takings:
    """The money of a span: `gross` includes VAT; gross - fees - vat - returned = net.

    `by_kind` has the income of each kind by day, refunds taken off and fees not; `net_by_day`
    takes the fees off. Kinds are income accounts without `income:`; the largest is first.
    """

    span: Span
    gross: Money
    fees: Money
    vat: Money
    returned: Money
    by_kind: Mapping[str, Mapping[int, int]]
    net_by_day: Mapping[int, int]
    providers: tuple[Fees, ...]

    @property
    def net(self) -> Money:
        """What is left to the site."""
        return self.gross - self.fees - self.vat - self.returned

    def of_kind(self, kind: str) -> Money:
        """What a kind of income came to."""
        return Money(sum(self.by_kind[kind].values()), self.gross.currency)


def takings(span: Span, *, mode: str, currency: str) -> Takings:
    """Add up the books of a span, in minor units of the currency."""
    rows = money(span, mode, currency)
    earned = [row for row in rows if row.account.startswith((INCOME, VAT))]
    came = -sum(row.minor for row in earned if row.reason not in BACK)
    back = sum(row.minor for row in earned if row.reason in BACK)
    vat = -sum(row.minor for row in earned if row.account.startswith(VAT))
    fees = sum(row.minor for row in rows if row.account.startswith(FEES))
    return Takings(
        span, Money(came, currency), Money(fees, currency), Money(vat, currency),
        Money(back, currency), _by_kind(rows), _net_by_day(rows), _fees(rows, currency),
    )  # fmt: skip


def fees_by_day(span: Span, *, mode: str, currency: str) -> list[tuple[int, Fees]]:
    """Return what each provider took on each day of a span, in which it was paid through."""
    rows = money(span, mode, currency)
    return [
        (day, one)
        for day in span.days
        for one in _fees([row for row in rows if row.day == day], currency)
    ]


def _by_kind(rows: list[Sum]) -> dict[str, dict[int, int]]:
    kinds: dict[str, dict[int, int]] = {}
    for row in rows:
        if row.account.startswith(INCOME):
            days = kinds.setdefault(row.account.removeprefix(INCOME), {})
            days[row.day] = days.get(row.day, 0) - row.minor
    return dict(sorted(kinds.items(), key=lambda kind: (-sum(kind[1].values()), kind[0])))


def _net_by_day(rows: list[Sum]) -> dict[int, int]:
    days: dict[int, int] = {}
    for row in rows:
        if row.account.startswith((INCOME, FEES)):
            days[row.day] = days.get(row.day, 0) - row.minor
    return days


def _fees(rows: list[Sum], currency: str) -> tuple[Fees, ...]:
    paid: dict[str, int] = {}
    taken: dict[str, int] = {}
    for row in rows:
        if row.account.startswith(FEES):
            name = row.account.removeprefix(FEES)
            taken[name] = taken.get(name, 0) + row.minor
        elif row.reason == "charge" and row.minor > 0 and not row.account.startswith(INCOME):
            paid[row.provider] = paid.get(row.provider, 0) + row.minor
    return tuple(
        Fees(name, Money(paid.get(name, 0), currency), Money(taken.get(name, 0), currency))
        for name in sorted({*paid, *taken}, key=lambda name: (-paid.get(name, 0), name))
    )
