"""The way of the money: draft, start, pay, settle, refund, expire, merge; nothing else moves it."""

from core.checkout.booking import owner_of
from core.checkout.buying import AlreadyHeld, buy
from core.checkout.charging import charge_saved
from core.checkout.choices import (
    Choice,
    choices,
    choices_for,
    keeper_for,
    keeper_name,
    top_up_line,
    top_ups,
)
from core.checkout.closing import expire, merge
from core.checkout.explaining import explain
from core.checkout.forgetting import forget_methods
from core.checkout.holding import capture, held_for, release
from core.checkout.naming import name_refund, unnamed
from core.checkout.ordering import Unanswered, draft, start_order
from core.checkout.paying import pay
from core.checkout.receipts import recipient, send_to
from core.checkout.refreshing import hear, refresh
from core.checkout.refunding import left, new_refund_id, refund
from core.checkout.remaining import Remaining, what_remains
from core.checkout.settling import settle
from core.checkout.ways import (
    Way,
    direct,
    express,
    is_worth_it,
    least_direct,
    left_with,
    site_mode,
    ways,
    ways_for,
)

__all__ = [
    "AlreadyHeld",
    "Choice",
    "Remaining",
    "Unanswered",
    "Way",
    "buy",
    "capture",
    "charge_saved",
    "choices",
    "choices_for",
    "direct",
    "draft",
    "expire",
    "explain",
    "express",
    "forget_methods",
    "hear",
    "held_for",
    "is_worth_it",
    "keeper_for",
    "keeper_name",
    "least_direct",
    "left",
    "left_with",
    "merge",
    "name_refund",
    "new_refund_id",
    "owner_of",
    "pay",
    "recipient",
    "refresh",
    "refund",
    "release",
    "send_to",
    "settle",
    "site_mode",
    "start_order",
    "top_up_line",
    "top_ups",
    "unnamed",
    "ways",
    "ways_for",
    "what_remains",
]
