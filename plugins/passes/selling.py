"""What the owner sells beside single posts: passes for a time, and all posts of a tag for ever."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

from core import BadInput, Grant, Line, Money, Offer, gettext, site_currency, value
from plugins.passes.keys import key_of, tag_of, tags_of
from plugins.passes.rules import BoughtCounts, DayCap, Rule, SpentCounts

log = logging.getLogger("obolo.plugins.passes")
LENGTHS = {"day": timedelta(days=1), "week": timedelta(days=7), "month": timedelta(days=30)}
INCOME = "income:passes"


@dataclass(frozen=True, slots=True)
class Pass:
    """What opens all posts, or those of a tag; for ever where it does not end."""

    name: str
    price: Money
    tag: str = ""
    lasts: timedelta | None = None

    @property
    def title(self) -> str:
        """What it is called, in the reader's language."""
        what = gettext("all of “%(tag)s”", tag=self.tag) if self.tag else gettext("everything")
        if self.lasts is None:
            return str(gettext("All of “%(tag)s”, for ever, also what is to come", tag=self.tag))
        titles = {
            "day": gettext("Day pass: %(what)s for 24 hours", what=what),
            "week": gettext("Week pass: %(what)s for 7 days", what=what),
            "month": gettext("Month pass: %(what)s for 30 days", what=what),
        }
        return str(titles[self.name])

    @property
    def offer(self) -> Offer:
        """What sells it."""
        grant = Grant(key_of(self.tag), self.lasts)
        line = Line(self.title, self.price, INCOME, (grant,))
        return Offer(f"passes-{self.name}", self.title, (line,))


def sold() -> Iterator[Pass]:
    """Yield what is on sale, as the owner set it: the shortest pass first, then the bundles."""
    tag = value("passes.tag").strip()
    for name, lasts in LENGTHS.items():
        if minor := value(f"passes.{name}_price"):
            yield Pass(name, Money(minor, site_currency()), tag, lasts)
    for tag, price in bundles(value("passes.bundles"), site_currency()).items():
        yield Pass(f"tag-{tag}", price, tag)


@lru_cache(maxsize=8)
def bundles(text: str, currency: str) -> dict[str, Money]:
    """Read the prices of tags, `essays = 5.00 EUR`; a line that is wrong is logged and left out."""
    prices: dict[str, Money] = {}
    for line in filter(str.strip, text.splitlines()):
        tag, _, price = (part.strip() for part in line.partition("="))
        try:
            amount = Money.read(price)
        except BadInput as error:
            log.warning("the bundle of the tag %s is left out: %s", tag, error)
            continue
        if tag and amount.minor > 0 and amount.currency == currency:
            prices[tag] = amount
        else:
            log.warning("the bundle of the tag %s is left out: %s is no price here", tag, price)
    return prices


def offers_for(resource: str) -> tuple[Offer, ...]:
    """Return what is on sale that opens a post."""
    tags = tags_of(resource)
    found = [one for one in sold() if not one.tag or one.tag.casefold() in tags]
    return tuple(one.offer for one in found)


def title_of(key: str) -> str:
    """Return what a reader's library calls what a key opens."""
    if tag := tag_of(key):
        return str(gettext("All posts under “%(tag)s”", tag=tag))
    return str(gettext("Pass for all posts"))


def rules() -> tuple[Rule, ...]:
    """Return the rules that are on, in the order in which they are asked: the most general last.

    No two of them are about the same price, so their order shows only beside a rule of yours.
    """
    cap, days = value("passes.day_cap"), value("passes.credit_days")
    counts = SpentCounts(LENGTHS["month"], timedelta(days=days)) if days else None
    capped = DayCap(cap) if cap else None
    return tuple(rule for rule in (capped, counts, BoughtCounts()) if rule is not None)
