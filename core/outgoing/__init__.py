"""Outgoing webhooks: who is told what happened, in the form of Standard Webhooks 1.0.0."""

from core.outgoing.deliveries import (
    Delivery,
    deliveries,
    forget,
    keep,
    send_again,
    send_due,
    send_test,
    set_drawing,
    set_wake,
)
from core.outgoing.endpoints import (
    EVENTS,
    Endpoint,
    endpoints,
    find,
    make,
    remove,
    renew,
    switch,
)

__all__ = [
    "EVENTS",
    "Delivery",
    "Endpoint",
    "deliveries",
    "endpoints",
    "find",
    "forget",
    "keep",
    "make",
    "remove",
    "renew",
    "send_again",
    "send_due",
    "send_test",
    "set_drawing",
    "set_wake",
    "switch",
]
