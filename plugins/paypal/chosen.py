"""What the owner has set, as it is now; and what stands in the way of taking money with it."""

from __future__ import annotations

import threading

from core import site_currency, value
from plugins.paypal.amounts import Fees
from plugins.paypal.provider import Site
from plugins.paypal.wire import Wire

LIVE = "https://api-m.paypal.com"
SANDBOX = "https://api-m.sandbox.paypal.com"

_wires: dict[tuple[str, str, str], Wire] = {}
_lock = threading.Lock()


def address() -> str:
    """Return where PayPal's interface stands: live, sandbox, or a test's own."""
    return value("paypal.api_url") or (LIVE if is_live() else SANDBOX)


def is_live() -> bool:
    """Tell whether real money is moved."""
    return bool(value("paypal.environment") == "live")


def wire() -> Wire | None:
    """Return the way to PayPal; None while client id or secret are missing.

    It is kept while they stay the same, and with it its token.
    """
    client, secret = value("paypal.client_id"), value("paypal.secret")
    if not (client and secret):
        return None
    key = (address(), client, secret)
    with _lock:
        if key not in _wires:
            _wires.clear()
            _wires[key] = Wire(address(), client, secret, timeout=value("paypal.timeout_seconds"))
        return _wires[key]


def fees() -> Fees | None:
    """Return the owner's fee table; None while it is not set."""
    return Fees.of(value("paypal.fee_percent"), value("paypal.fee_fixed"), site_currency())


def site() -> Site | None:
    """Return all that the provider needs; None while PayPal is not connected."""
    way = wire()
    if way is None:
        return None
    return Site(
        way, value("paypal.webhook_id"), is_live(), value("paypal.merchant_id"), fees(),
        value("site.name"),
    )  # fmt: skip
