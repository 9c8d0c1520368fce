"""What moved in the balance at PayPal, read by Transaction Search."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlencode

from core import ProviderUnknown, StatementLine
from plugins.paypal import records
from plugins.paypal.amounts import read
from plugins.paypal.wire import Wire

PATH = "/v1/reporting/transactions"
MOST_DAYS = timedelta(days=31)
"""PayPal answers for so long a time at once."""
MOST_PAGES = 1000
What = Literal["charge", "refund", "dispute", "payout", "exchange", "fee", "other"]
KINDS: tuple[tuple[str, What], ...] = (
    ("T00", "charge"), ("T01", "fee"), ("T02", "exchange"), ("T04", "payout"),
    ("T1106", "dispute"), ("T1107", "refund"), ("T1201", "dispute"), ("T1202", "dispute"),
)  # fmt: skip
"""Transaction event codes by their beginning: developer.paypal.com, transaction event codes."""


def lines(wire: Wire, since: datetime, until: datetime) -> Iterator[StatementLine]:
    """Return the lines from an instant on, before another; other sites' orders are left out."""
    while since < until:
        end = min(since + MOST_DAYS, until)
        yield from _span(wire, since, end)
        since = end


def _span(wire: Wire, since: datetime, until: datetime) -> Iterator[StatementLine]:
    for page in range(1, MOST_PAGES):
        found = wire.get(f"{PATH}?" + urlencode({
            "start_date": _written(since), "end_date": _written(until - timedelta(seconds=1)),
            "fields": "transaction_info", "page_size": 500, "page": page,
        }))  # fmt: skip
        try:
            for one in found["transaction_details"]:
                line = _line(wire, one["transaction_info"])
                if line is not None:
                    yield line
            if page >= int(found.get("total_pages") or 1):
                return
        except (KeyError, TypeError, ValueError) as error:
            raise ProviderUnknown("PayPal’s answer makes no sense.") from error


def _written(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _line(wire: Wire, info: Mapping[str, Any]) -> StatementLine | None:
    """Read a transaction that is done; None for others, and for those of another site.

    One half of an exchange bears the pair's number, and what a dispute moved the dispute's own.
    """
    invoice = str(info.get("invoice_id") or "")
    if info["transaction_status"] != "S" or (invoice and records.find(invoice) is None):
        return None
    code = str(info["transaction_event_code"])
    kind: What = next((kind for start, kind in KINDS if code.startswith(start)), "other")
    amount = read(info["transaction_amount"])
    fee = -read(info["fee_amount"]).minor if "fee_amount" in info else 0
    about = str(info.get("paypal_reference_id") or "")
    id = str(info["transaction_id"])
    if about and kind == "exchange":
        id = about
    if about and kind == "dispute":
        id = _dispute(wire, about) or id
    return StatementLine(
        kind, id,
        datetime.fromisoformat(info["transaction_initiation_date"]),
        amount.minor, fee, amount.currency, words=code,
    )  # fmt: skip


def _dispute(wire: Wire, capture: str) -> str:
    """Return the number of the dispute about a capture; nothing where PayPal knows none."""
    known = wire.get(f"/v1/customer/disputes?{urlencode({'disputed_transaction_id': capture})}")
    return next((str(one["dispute_id"]) for one in known.get("items", ())), "")
