"""Compare what a provider reports with what was asked of it."""

from __future__ import annotations

from core.payments.facts import Facts, Kind, Status
from core.payments.provider import Payment


def wrong(payment: Payment, facts: Facts, payee: str) -> str:
    """Say in what the facts differ from what was asked; nothing when they do not.

    Reference, payee, mode, currency or amount. Exactly one charge of the amount asked settles; any
    other charge is money that nobody asked for.
    """
    if facts.reference not in (None, payment.id):
        return "reference"
    if facts.payee not in (None, payee):
        return "payee"
    if facts.mode not in (None, payment.mode):
        return "mode"
    done = [m for m in facts.movements if m.kind is Kind.CHARGE and m.status is Status.DONE]
    if done and all(m.currency != payment.amount.currency for m in done):
        return "currency"
    if done and all(m.minor != payment.amount.minor for m in done):
        return "amount"
    return ""
