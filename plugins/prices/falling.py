"""A price that falls with a text's age: steps that the owner writes, and a discount that is exact.

A step says what percentage of the price is left to pay. The discount is a line that is part of the
one it lowers, so it follows that into a refund and into taxes.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from core import BadInput, Health, Line, Money, Order, card_of, gettext, now, value

log = logging.getLogger("obolo.plugins.prices")
STEP = re.compile(r"\s*(\d{1,5})\s*=\s*(\d{1,3})\s*%?\s*")


@dataclass(frozen=True, slots=True)
class Step:
    """From the age of so many days on, so many percent of the price are left."""

    days: int
    percent: int


def read(text: str) -> tuple[Step, ...]:
    """Read the owner's steps, one a line. Raises BadInput where they do not fall."""
    steps: list[Step] = []
    for line in filter(str.strip, text.splitlines()):
        found = STEP.fullmatch(line)
        if found is None:
            raise BadInput("“{line}” is no step; write it like 30 = 50.", line=line.strip())
        step, last = Step(int(found[1]), int(found[2])), steps[-1] if steps else Step(0, 100)
        if step.days <= last.days or not 0 < step.percent < last.percent:
            raise BadInput(
                "“{line}” must come later and cost less than what stands before it.",
                line=line.strip(),
            )
        steps.append(step)
    return tuple(steps)


@lru_cache(maxsize=8)
def _steps(text: str) -> tuple[Step, ...]:
    """Read steps; where one is wrong no price falls, rather than one by a guess."""
    try:
        return read(text)
    except BadInput as error:
        log.warning("prices do not fall: %s", error)
        return ()


def health() -> Iterator[Health]:
    """Say which step cannot be read, if there is one."""
    try:
        found = read(value("prices.steps"))
    except BadInput as error:
        yield Health(error.message, ok=False, values=error.values)
    else:
        if found:
            yield Health("Prices fall in {count} steps.", values={"count": len(found)})


def left_of(minor: int, percent: int, floor: int) -> int:
    """Return what is left to pay of a price, in minor units.

    Halves are rounded up, for the owner; never below the floor, and never above the price.
    """
    return min(minor, max(floor, (minor * percent * 2 + 100) // 200))


def step_at(steps: Iterable[Step], published: datetime, at: datetime) -> Step | None:
    """Return the last step that a text has come to; None for one that is too new."""
    age = (at - published).days
    return max((one for one in steps if one.days <= age), key=lambda one: one.days, default=None)


def discounts(order: Order) -> list[Line]:
    """Return a discount for each line of a draft that sells something old enough."""
    steps = _steps(value("prices.steps"))
    if not steps:
        return []
    found = (_discount(order, line, steps) for line in order.lines)
    return [less for less in found if less is not None]


def _discount(order: Order, line: Line, steps: tuple[Step, ...]) -> Line | None:
    card = card_of(resource) if (resource := sold_by(line)) else None
    step = step_at(steps, card.published, now()) if card and card.published else None
    if step is None:
        return None
    price, floor = line.amount.minor, value("prices.floor")
    now_costs = sum(one.amount.minor for one in order.group(line.number))
    less = min(price - left_of(price, step.percent, floor), now_costs - min(price, floor))
    if less <= 0:
        return None
    label = gettext("Less, for it is older than %(days)s days", days=step.days)
    return Line(
        label, Money(-less, line.amount.currency), line.account, part_of=line.number,
        tax_class=line.tax_class,
    )  # fmt: skip


def sold_by(line: Line) -> str:
    """Return the one resource that a line sells for ever at its price; nothing for all others.

    A line that sells it to be given away names it by `gift` in its data. What a reader chose to
    pay does not fall.
    """
    if line.amount.minor <= 0 or line.part_of is not None or line.data.get("chosen"):
        return ""
    if "gift" in line.data:
        return str(line.data["gift"])
    is_one = len(line.grants) == 1 and line.grants[0].lasts is None
    return line.grants[0].key if is_one else ""
