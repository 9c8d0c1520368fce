"""The stand-in is no pushover: each of these mistakes, planted in a request or an answer, is found.

A stand-in that takes whatever it is sent proves nothing about the real one.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.plugins.stripe import requests, shapes
from tests.plugins.stripe.fake import FakeStripe

SESSION = {
    "mode": "payment", "ui_mode": "hosted_page", "success_url": "https://x", "cancel_url": "https://x",
    "line_items": [{"quantity": "1", "price_data": {
        "currency": "eur", "unit_amount": "100", "product_data": {"name": "A post"}}}],
    "adaptive_pricing": {"enabled": "false"}, "metadata": {"obolo_site": "site"},
}  # fmt: skip
INTENT = {"amount": "100", "currency": "eur", "capture_method": "manual"}


def changed(way: str, value: Any, thing: Any = SESSION) -> Any:
    """Return a copy in which one thing stands otherwise; `-` takes it away."""
    first, _, rest = way.partition(".")
    copy = list(thing) if isinstance(thing, list) else dict(thing)
    place: Any = int(first) if first.isdigit() else first
    if rest:
        copy[place] = changed(rest, value, copy[place])
    elif value == "-":
        del copy[place]
    else:
        copy[place] = value
    return copy


REQUESTS = {
    "a misspelt parameter": ("checkout/sessions", changed("sucess_url", "https://x")),
    "a word that is none": ("checkout/sessions", changed("mode", "pay")),
    "an amount with a point": (
        "checkout/sessions", changed("line_items.0.price_data.unit_amount", "1.00")),
    "a missing currency": ("checkout/sessions", changed("line_items.0.price_data.currency", "-")),
    "one line and no list": ("checkout/sessions", changed("line_items", {"quantity": "1"})),
    "a truth in capitals": ("checkout/sessions", changed("adaptive_pricing.enabled", "False")),
    "a currency without an amount": ("payment_intents", changed("amount", "-", INTENT)),
    "a way to capture that is none": (
        "payment_intents", changed("capture_method", "by_hand", INTENT)),
    "metadata as a text": ("refunds", {"charge": "ch_1", "metadata": "ref_1"}),
    "an address that is none": ("refund", {"charge": "ch_1"}),
}  # fmt: skip


@pytest.mark.parametrize("mistake", REQUESTS)
def test_a_mistake_in_a_request_is_found(mistake):
    """Stripe's own types refuse it."""
    path, sent = REQUESTS[mistake]

    assert requests.faults("POST", f"/v1/{path}", sent)


def test_what_is_right_passes():
    """Or the checks would find everything wrong."""
    assert requests.faults("POST", "/v1/checkout/sessions", SESSION) == []
    assert requests.faults("POST", "/v1/payment_intents", INTENT) == []


@pytest.mark.parametrize(("field", "value"), [
    ("amout", 100), ("amount", "100"), ("status", "paid"), ("amount", None),
    ("capture_method", "by_hand"),
])  # fmt: skip
def test_a_mistake_in_an_answer_is_found(field, value):
    """An answer that the real one cannot give teaches nothing."""
    intent = FakeStripe().intent({"amount": "100", "currency": "eur"})

    assert shapes.faults(intent) == []
    assert shapes.faults(intent | {field: value})
