"""Examples for the description of the interface; a test checks that each is of its type."""

from __future__ import annotations

from typing import Any

from core.web.api.shapes import (
    EndpointChange,
    EndpointWanted,
    Me,
    Order,
    Page,
    Refund,
    RefundWanted,
    SettingWanted,
)

EURO_0_20 = {"minor": 20, "currency": "EUR"}
ORDER = {
    "id": "ord_019ac5d0f1a27b3c8d4e5f60718293a4",
    "holder": "gst_019ac5d0f0007b3c8d4e5f60718293a4",
    "state": "paid",
    "mode": "live",
    "total": EURO_0_20,
    "created": "2026-11-27T09:48:01Z",
    "expires": "2026-11-27T10:48:01Z",
    "payment": "pay_019ac5d0f2b37b3c8d4e5f60718293a4",
    "lines": [{
        "number": 1, "label": "Read this post", "amount": EURO_0_20, "account": "income:posts",
        "part_of": None, "tax_class": "",
        "grants": [{"key": "post:the-ferry-that-waits", "seconds": None}],
    }],
}  # fmt: skip
EXAMPLES: dict[Any, Any] = {
    Page[Order]: {"data": [ORDER], "next": None},
    RefundWanted: {"lines": [{"number": 1, "minor": 20}], "reason": "Bought twice"},
    Refund: {
        "id": "ref_019ac5d0f3c47b3c8d4e5f60718293a4", "payment": ORDER["payment"],
        "amount": EURO_0_20, "lines": [{"number": 1, "minor": 20}], "to": "playmoney",
        "state": "done",
    },
    Me: {
        "user": "usr_019ac5d0e0007b3c8d4e5f60718293a4", "mode": "live",
        "scopes": ["orders.view", "own.view"], "expires": "2027-02-25T09:48:01Z",
    },
    SettingWanted: {"value": 90},
    EndpointWanted: {"url": "https://hooks.example.org/obolo", "events": ["order.paid"]},
    EndpointChange: {"state": "off"},
}  # fmt: skip
