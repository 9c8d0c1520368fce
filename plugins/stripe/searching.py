"""Find a payment at Stripe, by its ref or by what the site wrote on it, and read all of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from core import Facts, Movement, State
from plugins.stripe import reports
from plugins.stripe.chosen import Chosen
from plugins.stripe.client import ask, every
from plugins.stripe.objects import Charge, Dispute, PaymentIntent, Refund, Session, Warned
from plugins.stripe.reports import PAYMENT, SITE, named, whole

Found = Session | PaymentIntent
CHARGE = ("latest_charge.balance_transaction", "latest_charge.refunds")
CLOCKS = timedelta(minutes=5)
"""How far Stripe's clock may be from ours."""
LONGEST = timedelta(days=8)
"""Nothing is begun later than an order stays open."""
WARNING = "early_fraud_warning"
OPEN = ("requires_payment_method", "requires_confirmation", "requires_action", "requires_capture")


def read(chosen: Chosen, ref: str) -> Found:
    """Return a session or a PaymentIntent with all that it leads to. Raises Missing."""
    services = chosen.services.v1
    if ref.startswith("cs_"):
        wanted: Any = {"expand": [f"payment_intent.{path}" for path in CHARGE]}
        return ask(lambda: services.checkout.sessions.retrieve(ref, wanted), Session)
    wanted = {"expand": list(CHARGE)}
    return ask(lambda: services.payment_intents.retrieve(ref, wanted), PaymentIntent)


def find(chosen: Chosen, payment: str, *, since: datetime) -> Found | None:
    """Return what was begun for core's payment; None when nothing was.

    Lists are asked, not Stripe's search, which shows new things only after a while.
    """
    services = chosen.services.v1
    at = int((since - CLOCKS).timestamp())
    params = {"created": {"gte": at, "lte": at + int(LONGEST.total_seconds())}}
    marks = (chosen.site, payment)
    for session in every(services.checkout.sessions.list, Session, params):
        if (named(session.metadata, SITE), named(session.metadata, PAYMENT)) == marks:
            return read(chosen, session.id)
    for intent in every(services.payment_intents.list, PaymentIntent, params):
        if (named(intent.metadata, SITE), named(intent.metadata, PAYMENT)) == marks:
            return read(chosen, intent.id)
    return None


def intent_of(found: Found) -> str | None:
    """Return the id of the PaymentIntent that a payment is made by."""
    if isinstance(found, PaymentIntent):
        return found.id
    intent = found.payment_intent
    return intent.id if isinstance(intent, PaymentIntent) else intent


def open_intent(found: Found) -> str | None:
    """Return the PaymentIntent that can be cancelled; one of a session only where it is held."""
    if isinstance(found, PaymentIntent):
        return found.id if found.status in OPEN else None
    intent = whole(found.payment_intent, PaymentIntent)
    return intent.id if intent and intent.status == "requires_capture" else None


def facts_of(chosen: Chosen, found: Found, known: Facts) -> Facts:
    """Report a payment, with its refunds and disputes, and warnings of fraud later on."""
    intent = found if isinstance(found, PaymentIntent) else found.payment_intent
    intent = whole(intent, PaymentIntent)
    charge = whole(intent.latest_charge, Charge) if intent else None
    movements: list[Movement] = []
    if intent and charge:
        movements += reports.of_charge(charge, known)
        movements += _earlier(chosen, charge, known)
        movements += _refunds(chosen, intent, charge) + _disputes(chosen, intent, charge)
    if isinstance(found, Session):
        facts = reports.of_session(found, movements)
    else:
        facts = reports.of_intent(found, movements)
    if intent and known.state is State.PAID and _is_warned(chosen, intent):
        facts = replace(facts, warning=WARNING)
    return facts


def _earlier(chosen: Chosen, charge: Charge, known: Facts) -> list[Movement]:
    """Report charges that were known and are no longer the latest: they failed after all."""
    retrieve = chosen.services.v1.charges.retrieve
    wanted: Any = {"expand": ["balance_transaction"]}
    return [
        movement
        for one in known.movements
        if one.kind == "charge" and one.id != charge.id
        for movement in reports.of_charge(ask(partial(retrieve, one.id, wanted), Charge), known)
    ]


def _refunds(chosen: Chosen, intent: PaymentIntent, charge: Charge) -> list[Movement]:
    if charge.refunds is None or not charge.refunds.data:
        return []
    wanted = {"payment_intent": intent.id, "expand": ["data.balance_transaction"]}
    refunds = every(chosen.services.v1.refunds.list, Refund, wanted)
    return [reports.of_refund(one) for one in refunds]


def _disputes(chosen: Chosen, intent: PaymentIntent, charge: Charge) -> list[Movement]:
    if not charge.disputed:
        return []
    wanted = {"payment_intent": intent.id}
    disputes = every(chosen.services.v1.disputes.list, Dispute, wanted)
    return [moved for one in disputes if (moved := reports.of_dispute(one)) is not None]


def _is_warned(chosen: Chosen, intent: PaymentIntent) -> bool:
    wanted: Any = {"payment_intent": intent.id}
    warnings = chosen.services.v1.radar.early_fraud_warnings.list
    return any(True for _ in every(warnings, Warned, wanted))
