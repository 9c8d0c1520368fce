"""PayPal's messages: checked by PayPal itself on the bytes that came, then only pointing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import msgspec

from core import Forged, Hint, Inbound, now
from plugins.paypal import records
from plugins.paypal.wire import PayPalRefused, Wire

EVENTS = (
    "CHECKOUT.ORDER.APPROVED",
    "CHECKOUT.PAYMENT-APPROVAL.REVERSED",
    "PAYMENT.CAPTURE.COMPLETED",
    "PAYMENT.CAPTURE.PENDING",
    "PAYMENT.CAPTURE.DENIED",
    "PAYMENT.CAPTURE.DECLINED",
    "PAYMENT.CAPTURE.REFUNDED",
    "PAYMENT.CAPTURE.REVERSED",
    "CUSTOMER.DISPUTE.CREATED",
    "CUSTOMER.DISPUTE.UPDATED",
    "CUSTOMER.DISPUTE.RESOLVED",
)
"""What a webhook is made for, as far as PayPal lists the names."""
VERIFY = "/v1/notifications/verify-webhook-signature"
HEADERS = {
    "auth_algo": re.compile(r"[A-Za-z0-9]{1,100}", re.ASCII),
    "cert_url": re.compile(r"https://[\x21-\x7e]{1,480}", re.ASCII),
    "transmission_id": re.compile(r"[A-Za-z0-9-]{1,50}", re.ASCII),
    "transmission_sig": re.compile(r"[A-Za-z0-9+/=_-]{1,500}", re.ASCII),
    "transmission_time": re.compile(r"[0-9T:.Z+-]{1,40}", re.ASCII),
}
"""What must come with a message, each as `Paypal-...`."""
CERTIFICATES = re.compile(r"api(-m)?(\.sandbox)?\.paypal\.com")
OLDEST, AHEAD = timedelta(days=4), timedelta(minutes=5)
"""PayPal sends a message again for three days, signed as it first was."""


class Event(msgspec.Struct):
    """What a message is read for: where to look. Its amounts and states are never read."""

    id: str
    event_type: str
    resource: dict[str, Any]
    resource_type: str = ""


def hear(request: Inbound, wire: Wire, webhook: str) -> list[Hint]:
    """Return where a genuine message points; nothing for what is another site's. Raises Forged."""
    event = _read(request.body)
    sent = _signature(request)
    if not webhook:
        raise Forged("This site has no webhook at PayPal yet.")
    envelope = json.dumps(sent | {"webhook_id": webhook})[:-1].encode()
    try:
        answer = wire.verify(VERIFY, envelope + b',"webhook_event":' + request.body + b"}")
    except PayPalRefused as error:
        raise Forged("PayPal does not know this message.") from error
    if answer.get("verification_status") != "SUCCESS":
        raise Forged("This message does not come from PayPal.")
    return list(_hints(event))


def _read(body: bytes) -> Event:
    """Read a message. It must be one JSON value, or it could add to what PayPal is asked."""
    try:
        body.decode()
        return msgspec.json.decode(body, type=Event)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Forged("This message of PayPal’s cannot be read.") from error


def _signature(request: Inbound) -> dict[str, str]:
    """Return the headers that sign, each of its own form and of our time. Raises Forged."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    sent = {name: headers.get(f"paypal-{name.replace('_', '-')}", "") for name in HEADERS}
    well_formed = all(pattern.fullmatch(sent[name]) for name, pattern in HEADERS.items())
    host = urlsplit(sent["cert_url"]).netloc if well_formed else ""
    if not CERTIFICATES.fullmatch(host) or not _is_of_now(sent["transmission_time"]):
        raise Forged("This message is not signed as PayPal signs.")
    return sent


def _is_of_now(text: str) -> bool:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return False
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return now() - OLDEST <= at <= now() + AHEAD


def _hints(event: Event) -> Iterable[Hint]:
    """Say where to look: the site's own payment, or the capture that a refund or dispute names."""
    resource = event.resource
    if event.event_type.startswith("CUSTOMER.DISPUTE."):
        for number, one in enumerate(_list(resource, "disputed_transactions")):
            capture = _text(one, "seller_transaction_id")
            if capture:
                yield Hint(f"{event.id}:{number}" if number else event.id, movement=capture)
    elif kept := _ours(resource):
        yield Hint(event.id, reference=kept.id, ref=kept.order or None)
    elif event.resource_type == "refund":
        for link in _list(resource, "links"):
            if _text(link, "rel") == "up" and "/captures/" in _text(link, "href"):
                yield Hint(event.id, movement=_text(link, "href").rpartition("/")[2])
                return


def _ours(resource: dict[str, Any]) -> records.Kept | None:
    """Return the payment that a resource is about, by the order's id or by our own."""
    related = resource.get("supplementary_data")
    order = ""
    with suppress(AttributeError):
        order = _text((related or {}).get("related_ids") or {}, "order_id")
    units = [unit for unit in _list(resource, "purchase_units") if isinstance(unit, dict)]
    names = [_text(one, "custom_id") for one in (resource, *units)]
    known = [records.find(name) for name in names if name]
    orders = [records.of_order(id) for id in (order, _text(resource, "id")) if id]
    return next((one for one in (*known, *orders) if one is not None), None)


def _list(found: dict[str, Any], name: str) -> list[Any]:
    value = found.get(name)
    return value if isinstance(value, list) else []


def _text(found: Any, name: str) -> str:
    value = found.get(name) if isinstance(found, dict) else None
    return value if isinstance(value, str) else ""
