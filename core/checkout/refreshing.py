"""Look again: ask a provider for the present truth, and do what waits for us."""

from __future__ import annotations

import logging

from core import orders
from core.checkout import standing
from core.checkout.settling import settle
from core.errors import NotFound
from core.payments import (
    Action,
    Cancel,
    Capture,
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
    for key, action in _wanted(payment):
        payment = _act(provider, payment, action, key)
    return payment


def _act(provider: Provider, payment: Payment, action: Action, key: str) -> Payment:
    try:
        return settle(provider, payment.id, provider.act(payment, action, key))
    except ProviderRefused:
        if isinstance(action, Refund):
            with transaction():
                records.mark_refund(action.id, "failed")
        raise


def _wanted(payment: Payment) -> list[tuple[str, Action]]:
    """Return what is to be done at the provider, each with its key: the same key does it once."""
    wanted: list[tuple[str, Action]] = []
    order = orders.find(payment.order)
    state = payment.facts.state
    if state is State.READY and order.state == "open" and not payment.wrong:
        wanted.append((f"{payment.id}:capture", Capture()))
    elif state in (*CANCELLABLE, State.FAILED) and order.state != "open":
        wanted.append((f"{payment.id}:cancel", Cancel()))
    known = {m.asked for m in payment.facts.movements}
    return wanted + [
        (refund.id, Refund(refund.id, refund.amount, charge_of(payment)))
        for refund in records.refunds(payment)
        if refund.state == "asked" and refund.id not in known
    ]


def let_go(payment: Payment) -> bool:
    """Return whether a payment has ended, after cancelling it where that is possible.

    One that failed is cancelled too: its provider may still let the reader try again.
    """
    payment = refresh(payment.id)
    state = payment.facts.state
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
    """Settle a delivery from the inbox and do what follows; False when it points to nothing of this site."""
    payment = records.pointed_at(provider.name, hint)
    if payment is not None:
        _settle_truth(provider, payment)
    with transaction():
        inbox.done(provider.name, hint.event)
    return payment is not None
