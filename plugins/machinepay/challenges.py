"""What goes over the wire: challenges and receipts, as far as there is a standard for them.

WWW-Authenticate and Payment-Receipt have the form of draft-httpauth-payment-01 (9 September 2026,
work in progress); a missing token or scope is said as RFC 6750 says it. How a challenge is met is
ours: the request again, with the same token and the challenge's id in `Payment-Challenge`.
"""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

from flask import request

from core import SPEND, Order
from plugins.machinepay.drafts import Draft

STANDARD = "draft-httpauth-payment-01"
METHOD = "obolo"
HEADER = "Payment-Challenge"
RECEIPT = "Payment-Receipt"


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _packed(fields: dict[str, str]) -> str:
    """Write as JSON in its canonical form (RFC 8785: these are plain texts), in base64url."""
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def document_of(draft: Draft) -> dict[str, object]:
    """Return a challenge as it stands in the problem document."""
    return {
        "id": draft.id, "standard": STANDARD, "method": METHOD, "intent": "charge",
        "offer": draft.offer, "minor": draft.price.minor, "currency": draft.price.currency,
        "expires": _instant(draft.expires), "header": HEADER,
    }  # fmt: skip


def header_of(draft: Draft) -> tuple[str, str]:
    """Return a challenge as a header."""
    wanted = _packed({"amount": str(draft.price.minor), "currency": draft.price.currency.lower()})
    text = (
        f'Payment id="{draft.id}", realm="{request.host}", method="{METHOD}", intent="charge", '
        f'request="{wanted}", expires="{_instant(draft.expires)}"'
    )
    return "WWW-Authenticate", text


def token_header(code: str) -> tuple[tuple[str, str], ...]:
    """Return what RFC 6750 says of a token that is missing, or may not do this."""
    more = f', error="insufficient_scope", scope="{SPEND}"' if code == "scope_missing" else ""
    if code not in ("token_needed", "scope_missing"):
        return ()
    return (("WWW-Authenticate", f'Bearer realm="{request.host}"{more}'),)


def receipt_of(order: Order) -> tuple[str, str]:
    """Return the receipt of an order, the same however often it is asked for."""
    assert order.created is not None, "it is stored"
    return RECEIPT, _packed({
        "status": "success", "method": METHOD, "timestamp": _instant(order.created),
        "reference": order.id,
    })  # fmt: skip
