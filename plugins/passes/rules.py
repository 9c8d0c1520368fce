"""The rules of prices: each takes something off one price, and says why.

They are pure: a price and what its reader has spent go in, a discount comes out. They are asked in
the order of a list; each sees the price that the ones before it left.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from plugins.passes.keys import is_pass, opens_singly, tag_of

ALWAYS = timedelta(days=36_500)


@dataclass(frozen=True, slots=True)
class Spent:
    """What was paid for one text that a reader opened singly and has not given back.

    `minor` are minor units; `counted` of them were taken off another price already. `open` is what
    is ordered and not paid yet: it may still be paid today, and counts toward nothing.
    """

    order: str
    line: int
    key: str
    minor: int
    at: datetime
    counted: int = 0
    tags: frozenset[str] = frozenset()
    open: bool = False

    @property
    def left(self) -> int:
        """What can still be taken off a price for it."""
        return 0 if self.open else max(0, self.minor - self.counted)


@dataclass(frozen=True, slots=True)
class Context:
    """What a rule may know beside the price: now, and what the reader spent singly."""

    at: datetime
    spent: tuple[Spent, ...] = ()

    @property
    def today(self) -> int:
        """What was spent since the day began, in UTC as all days of a site, in minor units."""
        began = self.at.replace(hour=0, minute=0, second=0, microsecond=0)
        return sum(one.minor for one in self.spent if one.at >= began)

    def after(self, discount: Discount) -> Context:
        """Return what is known once a discount was given: what counted once counts no more."""
        taken = {(order, line): minor for order, line, minor in discount.counts}
        return replace(self, spent=tuple(
            replace(one, counted=one.counted + taken.get((one.order, one.line), 0))
            for one in self.spent
        ))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Price:
    """What a line costs so far, in minor units, and the key that it sells, for how long."""

    minor: int
    key: str
    lasts: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Discount:
    """So many minor units less, by which rule; `counts` names what counted: order, line, minor."""

    minor: int
    rule: str
    counts: tuple[tuple[str, int, int], ...] = ()


class Rule(Protocol):
    """One rule: its name, how far back it looks, and what it takes off."""

    @property
    def name(self) -> str:
        """The word under which lines keep it and labels are found."""

    @property
    def reach(self) -> timedelta:
        """How far back it wants to know what was spent."""

    def applies(self, price: Price) -> bool:
        """Tell whether it is about such a price, whatever was spent."""

    def discount(self, price: Price, context: Context) -> Discount | None:
        """Return what it takes off, never more than the price; None for nothing."""


@dataclass(frozen=True, slots=True)
class DayCap:
    """Whoever opens texts singly pays at most so much a day; the text that passes it is the rest.

    From then on everything opens for nothing until the day ends.
    """

    most: int
    name: str = "cap"
    reach: timedelta = timedelta(days=1)

    def applies(self, price: Price) -> bool:
        """Count single texts only: a pass or a bundle is no part of the day."""
        return opens_singly(price.key, price.lasts)

    def discount(self, price: Price, context: Context) -> Discount | None:
        """Take off what would pass the cap."""
        over = price.minor - max(0, self.most - context.today)
        taken = min(over, price.minor)
        return Discount(taken, self.name) if taken > 0 else None


@dataclass(frozen=True, slots=True)
class SpentCounts:
    """What was spent singly in the last days counts toward a pass that lasts so long."""

    lasts: timedelta
    reach: timedelta
    name: str = "spent"

    def applies(self, price: Price) -> bool:
        """Count toward passes of this length only."""
        return is_pass(price.key) and price.lasts == self.lasts

    def discount(self, price: Price, context: Context) -> Discount | None:
        """Take off what was spent, the oldest first, until nothing of the price is left."""
        since = context.at - self.reach
        return _counting(self.name, price, [one for one in context.spent if one.at >= since])


@dataclass(frozen=True, slots=True)
class BoughtCounts:
    """Who buys all texts of a tag has paid those that they opened singly already."""

    name: str = "bought"
    reach: timedelta = ALWAYS

    def applies(self, price: Price) -> bool:
        """Count toward what opens a tag for ever."""
        return price.lasts is None and bool(tag_of(price.key))

    def discount(self, price: Price, context: Context) -> Discount | None:
        """Take off what was paid for texts of the tag."""
        tag = tag_of(price.key)
        return _counting(self.name, price, [one for one in context.spent if tag in one.tags])


def _counting(rule: str, price: Price, spent: Iterable[Spent]) -> Discount | None:
    rest, counts = price.minor, []
    for one in sorted(spent, key=lambda one: (one.at, one.order, one.line)):
        if taken := min(rest, one.left):
            counts.append((one.order, one.line, taken))
            rest -= taken
    return Discount(price.minor - rest, rule, tuple(counts)) if counts else None


def discounts(
    prices: Sequence[Price], rules: Sequence[Rule], context: Context
) -> list[list[Discount]]:
    """Return what the rules take off each price of one order, in their order.

    What an order opens singly counts for the next price of the same order, and nothing counts
    twice.
    """
    found: list[list[Discount]] = []
    for number, price in enumerate(prices):
        found.append([])
        for rule in rules:
            given = rule.discount(price, context) if rule.applies(price) else None
            if given is not None:
                found[-1].append(given)
                context = context.after(given)
                price = replace(price, minor=price.minor - given.minor)  # noqa: PLW2901 - what is left of it
        if opens_singly(price.key, price.lasts):
            own = Spent("", number, price.key, max(0, price.minor), context.at, open=True)
            context = replace(context, spent=(*context.spent, own))
    return found
