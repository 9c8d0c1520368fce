"""The way of the money: draft, start, pay, settle, refund, expire, merge; nothing else moves it."""

from core.checkout.closing import expire, merge
from core.checkout.ordering import Unanswered, draft, start_order
from core.checkout.paying import AlreadyHeld, buy, pay
from core.checkout.receipts import recipient
from core.checkout.refreshing import hear, refresh
from core.checkout.refunding import left, new_refund_id, refund
from core.checkout.settling import settle
from core.checkout.ways import Way, express, ways

__all__ = [
    "AlreadyHeld",
    "Unanswered",
    "Way",
    "buy",
    "draft",
    "expire",
    "express",
    "hear",
    "left",
    "merge",
    "new_refund_id",
    "pay",
    "recipient",
    "refresh",
    "refund",
    "settle",
    "start_order",
    "ways",
]
