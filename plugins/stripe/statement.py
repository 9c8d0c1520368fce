"""The account at Stripe, line by line, and which payout paid each line out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from core import StatementLine
from plugins.stripe.amounts import from_stripe
from plugins.stripe.chosen import Chosen
from plugins.stripe.client import every
from plugins.stripe.objects import Line, Payout, Source
from plugins.stripe.reports import SITE, named, whole

Named = Literal["charge", "refund", "dispute", "payout", "exchange", "fee", "other"]

KINDS: dict[str, Named] = {
    "charge": "charge", "charge_failure": "charge",
    "refund": "refund", "refund_failure": "refund", "partial_capture_reversal": "refund",
    "dispute": "dispute", "dispute_reversal": "dispute",
    "payout": "payout", "payout_reversal": "payout",
    "fee": "fee", "tax": "fee", "network_cost": "fee",
}  # fmt: skip
"""By Stripe's reporting category, which stays while its types change."""
PAYOUT_DAYS = timedelta(days=14)
"""A line is paid out within so many days; later it is told without its payout."""


def lines(chosen: Chosen, since: datetime, until: datetime) -> list[StatementLine]:
    """Return the lines of a span, oldest first, without what another site is known to have moved.

    Raises ProviderRefused and ProviderUnknown.
    """
    created = {"gte": int(since.timestamp()), "lt": int(until.timestamp())}
    wanted = {"created": created, "expand": ["data.source"]}
    services = chosen.services.v1
    own = [
        line
        for line in every(services.balance_transactions.list, Line, wanted)
        if _is_own(line, chosen.site)
    ]
    paid_out = _paid_out(chosen, since, until) if own else {}
    return [_line(one, paid_out.get(one.id)) for one in reversed(own)]


def _is_own(line: Line, site: str) -> bool:
    """Tell whether a line may be this site's: refunds and disputes carry no mark of their own."""
    source = whole(line.source, Source)
    return source is None or named(source.metadata, SITE) in (None, site)


def _paid_out(chosen: Chosen, since: datetime, until: datetime) -> dict[str, str]:
    """Return the payout of each line; Stripe tells it only of automatic ones, once reconciled."""
    services = chosen.services.v1
    created = {
        "gte": int(since.timestamp()), "lt": int((until + PAYOUT_DAYS).timestamp()),
    }  # fmt: skip
    found: dict[str, str] = {}
    for payout in every(services.payouts.list, Payout, {"created": created}):
        if payout.automatic and payout.reconciliation_status == "completed":
            wanted: Any = {"payout": payout.id}
            inside: Iterator[Line] = every(services.balance_transactions.list, Line, wanted)
            found |= {line.id: payout.id for line in inside}
    return found


def _line(line: Line, payout: str | None) -> StatementLine:
    currency = line.currency.upper()
    kind: Named = KINDS.get(line.reporting_category, "other")
    source = line.source.id if isinstance(line.source, Source) else line.source
    id = line.id if kind in ("fee", "other") or not source else source
    minor, fee = from_stripe(line.amount, currency), from_stripe(line.fee, currency)
    if fee < 0:  # given back: a line of its own would be no fee
        minor, fee = minor - fee, 0
    words = line.description or line.reporting_category.replace("_", " ")
    at = datetime.fromtimestamp(line.created, UTC)
    return StatementLine(kind, id, at, minor, fee, currency, payout, words)
