"""Orders: lines, offers, questions, and what is kept of them."""

from core.orders.lines import Grant, Line, Offer, Order, Question
from core.orders.records import (
    expired,
    find,
    is_ordered,
    keep_open,
    mark,
    of_holders,
    open_of,
    reopen,
    store,
    times_sold,
)

__all__ = [
    "Grant",
    "Line",
    "Offer",
    "Order",
    "Question",
    "expired",
    "find",
    "is_ordered",
    "keep_open",
    "mark",
    "of_holders",
    "open_of",
    "reopen",
    "store",
    "times_sold",
]
