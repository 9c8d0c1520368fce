"""Payments: what providers are asked, what they report, and what is kept of both."""

from core.payments import inbox, lines, methods, records
from core.payments.comparing import wrong
from core.payments.facts import Facts, Kind, Movement, State, Status
from core.payments.provider import Payment, Provider
from core.payments.statement import StatementLine, Statements
from core.payments.steps import (
    Action,
    Cancel,
    Capture,
    ChargeSaved,
    Forget,
    Hint,
    Inbound,
    Inline,
    Instructions,
    Intent,
    ProviderRefused,
    ProviderUnknown,
    Quote,
    Redirect,
    Refund,
    Settled,
    Step,
)

__all__ = [
    "Action",
    "Cancel",
    "Capture",
    "ChargeSaved",
    "Facts",
    "Forget",
    "Hint",
    "Inbound",
    "Inline",
    "Instructions",
    "Intent",
    "Kind",
    "Movement",
    "Payment",
    "Provider",
    "ProviderRefused",
    "ProviderUnknown",
    "Quote",
    "Redirect",
    "Refund",
    "Settled",
    "State",
    "StatementLine",
    "Statements",
    "Status",
    "Step",
    "inbox",
    "lines",
    "methods",
    "records",
    "wrong",
]
