"""Thresholds of law, as data with their source, and how near this site comes to them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from core import Health, Money, execute, micros, now, site_currency, site_mode, value
from plugins.wallet.statement import FAMILY

YEAR = timedelta(days=365)
NEAR, NEARER = 50, 80
"""Percent of a threshold at which the owner is told: in time to ask somebody who knows."""
SPENT = """
SELECT COALESCE(SUM(leg.minor), 0) FROM ledger_entry entry
JOIN ledger_leg leg ON leg.entry_id = entry.id WHERE entry.at >= ? AND entry.reason = 'charge'
AND leg.minor > 0 AND leg.currency = ? AND leg.account LIKE ?
"""


@dataclass(frozen=True, slots=True)
class Rule:
    """A threshold that holds from a day on; `value` is in minor units of its currency."""

    id: str
    value: int
    valid_from: date
    source: str
    mark: str


@lru_cache(maxsize=1)
def _rules() -> tuple[Rule, ...]:
    text = Path(__file__).with_suffix(".toml").read_text()
    return tuple(Rule(**row) for row in tomllib.loads(text)["rule"])


def rule(id: str, on: date) -> Rule:
    """Return the rule of this id that holds on a day. Raises LookupError where there was none."""
    found = [one for one in _rules() if one.id == id and one.valid_from <= on]
    if not found:
        raise LookupError(id)
    return max(found, key=lambda one: one.valid_from)


def spent_in_a_year(at: datetime) -> Money:
    """Return what was paid out of balances in the twelve months before an instant."""
    start = "test:" if site_mode() == "test" else ""
    since = micros(at - YEAR)
    row = execute(SPENT, [since, site_currency(), f"{start}{FAMILY}%"]).fetchone()
    return Money(int(row[0]), site_currency())


def health() -> Iterable[Health]:
    """Say how near the site is to what it would have to tell an authority, and how caps stand."""
    at, language = now(), "en"
    if site_currency() == "EUR":
        limit = rule("eu.limited-network.notice", at.date())
        spent = spent_in_a_year(at)
        percent = spent.minor * 100 // limit.value
        values = {"spent": spent.format(language), "percent": percent, "source": limit.source}
        if percent < NEAR:
            yield Health("{spent} were paid out of balances in 12 months.", values=values)
        else:
            yield Health(
                "{spent} were paid out of balances in 12 months: {percent} percent of what must be "
                "notified ({source}).", ok=percent < NEARER, values=values,
            )  # fmt: skip
    if site_currency() == "USD":
        most = rule("us.closed-loop.day", at.date())
        is_kept = value("wallet.daily_cap") <= most.value
        yield Health(
            "The cap of a day is within what needs no registration ({source}).", ok=is_kept,
            values={"source": most.source},
        )  # fmt: skip
