"""Outgoing webhooks: who is told what happened, in the form of Standard Webhooks 1.0.0."""

from core.outgoing.deliveries import (
    Delivery,
    forget,
    keep,
    send_again,
    send_due,
    send_test,
    sent_to,
    set_drawing,
    set_wake,
)
from core.outgoing.endpoints import (
    EVENTS,
    Endpoint,
    find,
    listed,
    make,
    remove,
    renew,
    switch,
)

__all__ = [
    "EVENTS",
    "Delivery",
    "Endpoint",
    "find",
    "forget",
    "keep",
    "listed",
    "make",
    "remove",
    "renew",
    "send_again",
    "send_due",
    "send_test",
    "sent_to",
    "set_drawing",
    "set_wake",
    "switch",
]
