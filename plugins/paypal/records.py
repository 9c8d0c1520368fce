"""What this site asked of PayPal, kept before it was asked.

PayPal finds no order by the site's own reference. So the request itself is kept: whoever lost the
answer asks the same again, under the same key, and gets the same order.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from core import InstantField, Money, execute, insert, now

INSTANTS = InstantField()
COLUMNS = "id, minor, currency, request, order_id, url, cancelled, failure, created"


@dataclass(frozen=True, slots=True)
class Kept:
    """One payment as this site knows it: `order` and `url` are PayPal's, once it has answered.

    Of a `cancelled` one nothing is captured any more; `failure` is why the last capture failed.
    """

    id: str
    amount: Money
    request: dict[str, Any]
    order: str
    url: str
    cancelled: bool
    failure: str
    created: datetime


def keep(id: str, amount: Money, request: dict[str, Any], *, cancelled: bool = False) -> Kept:
    """Keep what is about to be asked, unless it is kept already; return what is kept."""
    insert("paypal_payment", {
        "id": id, "minor": amount.minor, "currency": amount.currency,
        "request": json.dumps(request), "order_id": None, "url": "", "cancelled": int(cancelled),
        "failure": "", "created": INSTANTS.db_value(now()),
    }, ignore=True)  # fmt: skip
    return cast("Kept", find(id))


def find(id: str) -> Kept | None:
    """Return what is kept of a payment."""
    return _read("id = ?", id)


def of_order(order: str) -> Kept | None:
    """Return the payment for which PayPal made this order."""
    return _read("order_id = ?", order)


def _read(where: str, value: str) -> Kept | None:
    row = execute(f"SELECT {COLUMNS} FROM paypal_payment WHERE {where}", [value]).fetchone()  # noqa: S608 - names of this file
    if row is None:
        return None
    id, minor, currency, request, order, url, cancelled, failure, created = row
    return Kept(
        id, Money(minor, currency), json.loads(request), order or "", url, bool(cancelled),
        failure, cast("datetime", INSTANTS.python_value(created)),
    )  # fmt: skip


def begun(id: str, order: str, url: str) -> None:
    """Note which order PayPal made, and where it is paid; the first answer stays."""
    execute(
        "UPDATE paypal_payment SET order_id = ?, url = ? WHERE id = ? AND order_id IS NULL",
        [order, url, id],
    )


def cancel(id: str, amount: Money) -> None:
    """Note that nothing is to be captured any more, even if it never began."""
    keep(id, amount, {}, cancelled=True)
    execute("UPDATE paypal_payment SET cancelled = 1 WHERE id = ?", [id])


def fail(id: str, issue: str) -> None:
    """Note why a capture failed."""
    execute("UPDATE paypal_payment SET failure = ? WHERE id = ?", [issue, id])
