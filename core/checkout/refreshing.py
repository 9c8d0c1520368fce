"""Look again: ask a provider for the present truth, and do what waits for us."""

from __future__ import annotations

import logging
from dataclasses import replace

from core import orders
from core.checkout import booking, standing
from core.checkout.intents import intent
from core.checkout.settling import settle
from core.errors import NotFound
from core.payments import (
    Action,
    Cancel,
    Capture,
    ChargeSaved,
    Hint,
    Kind,
    Payment,
    Provider,
    ProviderRefused,
    ProviderUnknown,
    Refund,
    State,
    Status,
    inbox,
    methods,
    records,
)
from core.plugins import catalogue
from core.storage import transaction

log = logging.getLogger("obolo.checkout")

CANCELLABLE = (State.NEW, State.CUSTOMER, State.READY)
ENDED = (State.EXPIRED, State.FAILED, State.CANCELLED)


def refresh(payment_id: str) -> Payment:
    """Ask the provider for the present truth and settle it; capture or let go what waits for us.

    When the truth cannot be had now, the payment is looked at again later.
    """
    payment = records.find(payment_id)
    provider = catalogue.providers.get(payment.provider)
    if provider is None:
        log.warning("payment %s waits: provider %s is off", payment.id, payment.provider)
        records.postpone(payment)
        return payment
    try:
        payment = _settle_truth(provider, payment)
    except (ProviderUnknown, ProviderRefused) as error:
        log.warning("payment %s is looked at again: %s", payment.id, error)
    finally:
        records.postpone(payment)
    return payment


def _settle_truth(provider: Provider, payment: Payment) -> Payment:
    """Settle what the provider says now, then do there what waits for us."""
    payment = settle(provider, payment.id, provider.look_up(payment))
    return do_what_waits(provider, payment)


def do_what_waits(provider: Provider, payment: Payment) -> Payment:
    """Capture, charge, let go or give back what was decided, each once by its own key."""
    for key, action in _wanted(payment):
        payment = act(provider, payment, action, key)
    return payment


def act(provider: Provider, payment: Payment, action: Action, key: str) -> Payment:
    """Have a provider act on a payment, and settle what it reports; a refusal is kept.

    Raises ProviderRefused and ProviderUnknown; a kept method that is declined is a failure only.
    """
    try:
        return settle(provider, payment.id, provider.act(payment, action, key))
    except ProviderRefused as error:
        if isinstance(action, ChargeSaved):
            declined = replace(payment.facts, state=State.FAILED, failure=str(error))
            return settle(provider, payment.id, declined)
        if isinstance(action, Refund):
            with transaction():
                records.mark_refund(action.id, "failed")
                booking.put_back(action.id, payment)
        raise


def _wanted(payment: Payment) -> list[tuple[str, Action]]:
    """Return what is to be done at the provider, each with its key: the same key does it once."""
    wanted: list[tuple[str, Action]] = []
    order = orders.find(payment.order)
    state = payment.facts.state
    is_free = order.state != "open" or payment.hold == "release"
    if state in (*CANCELLABLE, State.FAILED) and is_free:
        wanted.append((f"{payment.id}:cancel", Cancel()))
    elif state is State.READY and payment.hold != "held" and not payment.wrong:
        wanted.append((f"{payment.id}:capture", Capture()))
    elif state is State.NEW and payment.method:
        wanted.append((payment.id, ChargeSaved(intent(order, payment), _token(payment))))
    known = {m.asked for m in payment.facts.movements}
    return wanted + [
        (refund.id, Refund(refund.id, refund.amount, charge_of(payment)))
        for refund in records.refunds(payment)
        if refund.state == "asked" and refund.id not in known
    ]


def _token(payment: Payment) -> str:
    """Return what names a kept method; a reader who took it away is not charged by it."""
    try:
        return methods.token(payment.method)
    except NotFound as error:
        raise ProviderRefused(error.message) from error


def let_go(payment: Payment) -> bool:
    """Return whether a payment has ended, after cancelling it where that is possible.

    One that failed is cancelled too: its provider may still let the reader try again. Money that is
    held waits for whoever decides, and lapses at its provider.
    """
    payment = refresh(payment.id)
    state = payment.facts.state
    if state is State.READY and payment.hold == "held":
        return False
    provider = catalogue.providers.get(payment.provider)
    if state in (*CANCELLABLE, State.FAILED) and provider is not None:
        try:
            facts = provider.act(payment, Cancel(), f"{payment.id}:cancel")
            payment = settle(provider, payment.id, facts)
        except ProviderRefused:
            return state is State.FAILED
        except ProviderUnknown as error:
            log.warning("payment %s is not cancelled yet: %s", payment.id, error)
            return False
    facts = payment.facts
    money = facts.total(Kind.CHARGE, Status.DONE, Status.PENDING)
    paid_wrong = facts.state is State.PAID and (payment.wrong != "" or money == 0)
    return paid_wrong or facts.state in ENDED


def charge_of(payment: Payment) -> str:
    """Return the provider's id of the charge that a refund takes from."""
    done = [m for m in payment.facts.movements if m.kind is Kind.CHARGE and m.status is Status.DONE]
    charges = [m.id for m in sorted(done, key=lambda m: not standing.pays(payment, m))]
    if not charges:
        raise NotFound("There is no charge to give back.")
    return charges[0]


def hear(provider: Provider, hint: Hint) -> bool:
    """Settle a delivery of the inbox; False when it points to nothing of this site."""
    payment = records.pointed_at(provider.name, hint)
    if payment is not None:
        _settle_truth(provider, payment)
    with transaction():
        inbox.done(provider.name, hint.event)
    return payment is not None
