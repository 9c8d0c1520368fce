"""What Stripe reports by webhook: checked, then read only for where to look."""

from __future__ import annotations

import msgspec

from core import Forged, Hint, Inbound
from plugins.stripe.objects import Event, Thing
from plugins.stripe.reports import PAYMENT, SITE, named
from plugins.stripe.signature import HEADER, verify

EVENTS = (
    "checkout.session.completed", "checkout.session.expired",
    "checkout.session.async_payment_succeeded", "checkout.session.async_payment_failed",
    "payment_intent.succeeded", "payment_intent.processing", "payment_intent.payment_failed",
    "payment_intent.canceled", "payment_intent.amount_capturable_updated",
    "charge.updated", "charge.refunded", "refund.created", "refund.updated", "refund.failed",
    "charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed",
    "charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated",
    "radar.early_fraud_warning.created",
)  # fmt: skip
"""What the site needs to hear; charge.updated brings the fee, which comes after the success."""
BEGUN = ("checkout.session", "payment_intent")


def pointed(secrets: tuple[str, ...], site: str, request: Inbound) -> list[Hint]:
    """Return where a genuine message points; nothing for another site's. Raises Forged."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    verify(secrets, headers.get(HEADER.lower(), ""), request.body)
    try:
        event = msgspec.json.decode(request.body, type=Event)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Forged("This message of Stripe cannot be read.") from error
    if event.type not in EVENTS:
        return []
    hint = _hint(event.id, event.data.object, site)
    return [] if hint is None else [hint]


def _hint(event: str, thing: Thing, site: str) -> Hint | None:
    """Return a hint by what this site wrote on the object, else by the charge that it is about.

    A refund made at Stripe, a dispute or a warning carries no mark of any site: core knows whether
    the charge is its own.
    """
    if thing.object in BEGUN:
        if named(thing.metadata, SITE) != site:
            return None
        return Hint(event, reference=named(thing.metadata, PAYMENT), ref=thing.id)
    owner = named(thing.metadata, SITE)
    if owner is not None:
        reference = named(thing.metadata, PAYMENT)
        return Hint(event, reference=reference) if owner == site else None
    charge = thing.id if thing.object == "charge" else thing.charge
    return None if charge is None else Hint(event, movement=charge)
