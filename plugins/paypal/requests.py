"""What PayPal is asked for, within the lengths that its interface allows."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from core import Intent, Money, ProviderUnknown
from plugins.paypal.amounts import written

LONGEST = {
    "description": 127, "custom_id": 127, "invoice_id": 127, "brand_name": 127,
    "reference_id": 256, "note_to_payer": 255, "return_url": 4000, "cancel_url": 4000,
}  # fmt: skip
"""Characters that a field may have: PayPal's OpenAPI of Orders v2 and Payments v2."""
LOCALES = {"en": "en-GB", "it": "it-IT"}
PAYPAL = re.compile(r"(www\.)?(sandbox\.)?paypal\.com")
LOOPBACK = ("127.0.0.1", "localhost")
LEFT = "/x/paypal/left/"


def cut(**fields: str) -> dict[str, str]:
    """Return fields that are not empty, none longer than it may be."""
    return {name: text[: LONGEST[name]] for name, text in fields.items() if text}


def order(intent: Intent, brand: str) -> dict[str, Any]:
    """Return the body that makes an order: paid at once, nothing shipped.

    `invoice_id` must be unique for PayPal, so it is the payment's: a second try is another.
    """
    parts = urlsplit(intent.return_url)
    left = f"{parts.scheme}://{parts.netloc}{LEFT}{intent.payment}"
    context = {
        "shipping_preference": "NO_SHIPPING",
        "user_action": "PAY_NOW",
        "payment_method_preference": "IMMEDIATE_PAYMENT_REQUIRED",
        **cut(return_url=intent.return_url, cancel_url=left, brand_name=brand),
    }
    if intent.language in LOCALES:
        context["locale"] = LOCALES[intent.language]
    unit = {
        "amount": written(intent.amount),
        **cut(
            reference_id="default", custom_id=intent.payment, invoice_id=intent.payment,
            description=intent.description,
        ),
    }  # fmt: skip
    return {
        "intent": "CAPTURE",
        "purchase_units": [unit],
        "payment_source": {"paypal": {"experience_context": context}},
    }


def return_path(request: dict[str, Any]) -> str:
    """Return the path of this site to which the reader of an order comes back."""
    context = request["payment_source"]["paypal"]["experience_context"]
    return urlsplit(context["return_url"]).path or "/"


def refund(id: str, amount: Money) -> dict[str, Any]:
    """Return the body of a refund, which carries core's own id of it."""
    return {"amount": written(amount), **cut(custom_id=id)}


def page_of(answer: dict[str, Any]) -> str:
    """Return where the reader pays an order. Raises ProviderUnknown unless it is PayPal's page."""
    links = answer.get("links")
    for link in links if isinstance(links, list) else ():
        if isinstance(link, dict) and link.get("rel") in ("payer-action", "approve"):
            parts = urlsplit(str(link.get("href")))
            host = parts.hostname or ""
            if parts.scheme == "https" and PAYPAL.fullmatch(host):
                return str(link["href"])
            if parts.scheme == "http" and host in LOOPBACK:
                return str(link["href"])
    raise ProviderUnknown("PayPal named no page on which to pay.")
