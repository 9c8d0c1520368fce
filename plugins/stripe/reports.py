"""What Stripe's objects say, in core's words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from core import Facts, Kind, Movement, State, Status, now
from plugins.stripe.amounts import from_stripe
from plugins.stripe.objects import Charge, Dispute, Line, PaymentIntent, Refund, Session

Kept = TypeVar("Kept")
SITE, PAYMENT, REFUND, BURIED = "obolo_site", "obolo_payment", "obolo_refund", "obolo_buried"
"""What the site writes on Stripe's objects: whose they are, and of which payment or refund."""
STATES = {
    "succeeded": State.PAID,
    "processing": State.BANK,
    "requires_capture": State.READY,
    "canceled": State.CANCELLED,
}
CHARGES = {"succeeded": Status.DONE, "failed": Status.FAILED}
REFUNDS = {"succeeded": Status.DONE, "failed": Status.FAILED, "canceled": Status.FAILED}
ASKS_THE_READER = "authentication_required"
"""The bank wants the reader to be there; they can still pay."""


def of_session(session: Session, movements: Iterable[Movement] = ()) -> Facts:
    """Report a visit to Stripe's page; one that was ended before its time was cancelled."""
    waiting = State.CUSTOMER
    if session.status == "expired":
        early = session.expires_at > now().timestamp()
        waiting = State.CANCELLED if early else State.EXPIRED
    intent = whole(session.payment_intent, PaymentIntent)
    if intent is not None:
        return of_intent(intent, movements, ref=session.id, waiting=waiting)
    return Facts(
        session.id, waiting, reference=named(session.metadata, PAYMENT),
        payee=named(session.metadata, SITE), mode=_mode(live=session.livemode),
    )  # fmt: skip


def of_intent(
    intent: PaymentIntent, movements: Iterable[Movement] = (), *, ref: str = "",
    waiting: State = State.CUSTOMER,
) -> Facts:  # fmt: skip
    """Report a payment; `waiting` is what it is while the reader has not paid it."""
    state = STATES.get(intent.status, waiting)
    if waiting is not State.CUSTOMER and state is State.CANCELLED:
        state = waiting
    problem = intent.last_payment_error
    code = (problem.decline_code or problem.code) if problem else None
    if problem and problem.code == ASKS_THE_READER:
        code = ASKS_THE_READER
    held = intent.capture_method == "manual"  # held money is less than a failure, which would stay
    if code and state is State.CUSTOMER and code != ASKS_THE_READER and not held:
        state = State.FAILED
    charge = whole(intent.latest_charge, Charge)
    saved, label = _saved(intent, charge)
    return Facts(
        ref or intent.id, state, tuple(movements), reference=named(intent.metadata, PAYMENT),
        payee=named(intent.metadata, SITE), mode=_mode(live=intent.livemode),
        method=method_of(charge), failure=code, saved=saved, saved_label=label,
    )  # fmt: skip


def _saved(intent: PaymentIntent, charge: Charge | None) -> tuple[str | None, str | None]:
    is_kept = intent.setup_future_usage and intent.status in ("succeeded", "requires_capture")
    if not is_kept or not intent.customer or not intent.payment_method:
        return None, None
    return f"{intent.customer}/{intent.payment_method}", label_of(charge)


def label_of(charge: Charge | None) -> str:
    """Name a method to the reader: `Visa •••• 4242`."""
    details = charge.payment_method_details if charge else None
    if details is None or details.card is None:
        return details.type.replace("_", " ").title() if details else "Stripe"
    return f"{(details.card.brand or 'card').title()} •••• {details.card.last4 or '????'}"


def method_of(charge: Charge | None) -> str | None:
    """Say how was paid: apple_pay, google_pay, card, sepa_debit; None while nothing was."""
    details = charge.payment_method_details if charge else None
    if details is None:
        return None
    wallet = details.card.wallet if details.card else None
    return wallet.type if wallet else details.type


def of_charge(charge: Charge, known: Facts) -> list[Movement]:
    """Report money that was taken, or is on its way; a card that was declined moved nothing.

    The fee is known only when Stripe has written its line, some time after the charge.
    """
    status = CHARGES.get(charge.status, Status.PENDING)
    is_known = known.movement(Kind.CHARGE, charge.id) is not None
    if status is Status.FAILED and not is_known:
        return []
    if status is Status.DONE and not charge.captured:
        return []
    taken = charge.amount_captured if status is Status.DONE else charge.amount
    line = whole(charge.balance_transaction, Line)
    return [_moved(Kind.CHARGE, charge.id, taken, charge.currency, status, line)]


def of_refund(refund: Refund) -> Movement:
    """Report money that goes back; `asked` is core's id, unless it was done at Stripe."""
    status = REFUNDS.get(refund.status or "", Status.PENDING)
    line = whole(refund.balance_transaction, Line)
    asked = named(refund.metadata, REFUND)
    return _moved(Kind.REFUND, refund.id, refund.amount, refund.currency, status, line, asked)


def of_dispute(dispute: Dispute) -> Movement | None:
    """Report money that a bank took; None while it took none: an inquiry, or one prevented.

    Won is what came back, not what Stripe calls won: the money may come days later.
    """
    lines = dispute.balance_transactions
    taken = -sum(line.amount for line in lines if line.amount < 0)
    if not taken:
        return None
    status = Status.DONE if dispute.status == "lost" else Status.PENDING
    if sum(line.amount for line in lines) >= 0:
        status = Status.FAILED
    currency, fee = lines[0].currency, sum(line.fee for line in lines)
    whole_line = Line(id="", amount=-taken, fee=fee, net=0, currency=currency)
    minor = taken if currency == dispute.currency else dispute.amount
    return _moved(Kind.DISPUTE, dispute.id, minor, dispute.currency, status, whole_line)


def _moved(
    kind: Kind, id: str, units: int, currency: str, status: Status, line: Line | None,
    asked: str | None = None,
) -> Movement:  # fmt: skip
    currency = currency.upper()
    minor = from_stripe(units, currency)
    if line is None:
        return Movement(kind, id, minor, currency, status, asked=asked)
    settled_in = line.currency.upper()
    fee = from_stripe(line.fee, settled_in)
    if settled_in == currency:
        net = minor - fee if kind is Kind.CHARGE else None
        return Movement(kind, id, minor, currency, status, fee, net, asked=asked)
    return Movement(
        kind, id, minor, currency, status, fee, asked=asked, fee_currency=settled_in,
        settled_minor=from_stripe(abs(line.amount), settled_in), settled_currency=settled_in,
    )  # fmt: skip


def named(metadata: dict[str, str] | None, key: str) -> str | None:
    """Return what the site wrote on an object."""
    return (metadata or {}).get(key)


def whole(thing: object, kind: type[Kept]) -> Kept | None:
    """Return an object that Stripe gave whole; None where it gave nothing, or only its id."""
    return thing if isinstance(thing, kind) else None


def _mode(*, live: bool) -> str:
    return "live" if live else "test"
