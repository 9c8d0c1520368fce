"""The way of the money: draft, start, pay, settle, refund, expire, merge; nothing else moves it."""

from core.checkout.buying import AlreadyHeld, buy
from core.checkout.charging import charge_saved
from core.checkout.closing import expire, merge
from core.checkout.explaining import explain
from core.checkout.forgetting import forget_methods
from core.checkout.holding import capture, held_for, release
from core.checkout.naming import name_refund, unnamed
from core.checkout.ordering import Unanswered, draft, start_order
from core.checkout.paying import pay
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
    "capture",
    "charge_saved",
    "draft",
    "expire",
    "explain",
    "express",
    "forget_methods",
    "hear",
    "held_for",
    "left",
    "merge",
    "name_refund",
    "new_refund_id",
    "pay",
    "recipient",
    "refresh",
    "refund",
    "release",
    "settle",
    "start_order",
    "unnamed",
    "ways",
]
