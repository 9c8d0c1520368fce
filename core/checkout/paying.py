"""Pay: the intent stored first, then the provider; and go on with what is open."""

from __future__ import annotations

import logging
from dataclasses import replace

from core import orders
from core.checkout import receipts
from core.checkout.competing import WAITING, attach, let_others_go, refuse_under_way
from core.checkout.intents import intent, new_payment
from core.checkout.settling import settle
from core.checkout.ways import way_named
from core.clock import now
from core.crashpoints import crashpoint
from core.errors import Conflict
from core.orders import Order
from core.payments import Payment, Provider, ProviderRefused, Settled, State, Step, records
from core.people import Reader
from core.storage import transaction

log = logging.getLogger("obolo.checkout")


def pay(
    order_id: str, provider_name: str, reader: Reader, return_url: str, *, save: bool = False,
    inline: bool = False,
) -> Step:  # fmt: skip
    """Start to pay an order; the payment is stored before its provider is called.

    A second call for the same provider goes on with the same payment and key, so that a reload
    charges nothing twice. An instant provider settles in the same transaction. `save` asks to keep
    the method, where the provider can; `inline` to pay on a page of the site, where no money is
    held and no method kept. Raises Conflict, Refused, BoundExceeded, ProviderRefused,
    ProviderUnknown.
    """
    with transaction():
        order = open_order(order_id)
        provider = way_named(provider_name, order, reader)
        save = save and not inline and "save" in provider.can
        tries = records.of_order(order.id)
        payment = _unfinished(tries, provider, save=save, inline=inline)
        if payment is None:
            payment = new_payment(
                order, provider, reader, save=save, back=return_url, inline=inline
            )
            records.store(payment)
        wanted = intent(order, replace(payment, back=return_url))
        if "instant" in provider.can:
            step = provider.begin(wanted, payment.id)
            assert isinstance(step, Settled), f"{provider.name} promises to be instant"
            settle(provider, payment.id, step.facts)
            return step
    crashpoint("intent-stored")
    let_others_go(payment, tries)
    try:
        step = provider.begin(wanted, payment.id)
    except ProviderRefused as error:
        if payment.facts.state is State.NEW:
            refused = replace(payment.facts, state=State.FAILED, failure=str(error))
            settle(provider, payment.id, refused)
        raise
    crashpoint("provider-begun")
    if isinstance(step, Settled):
        settle(provider, payment.id, step.facts)
    else:
        attach(payment, step.ref, tries)
        receipts.instruct(order, payment, step)
    crashpoint("ref-stored")
    return step


def open_order(id: str) -> Order:
    """Return an order that can be paid now, and lock it. Raises Conflict."""
    order = orders.find(id, lock=True)
    if order.state != "open" or (order.expires and order.expires <= now()):
        raise Conflict("This order is no longer open.")
    return order


def _unfinished(
    tries: list[Payment], provider: Provider, *, save: bool, inline: bool
) -> Payment | None:
    refuse_under_way(tries)
    last = next((one for one in reversed(tries) if one.provider == provider.name), None)
    wanted = (save, inline, "")
    is_same = last is not None and (last.save, last.inline, last.method) == wanted
    return last if last and is_same and last.facts.state in WAITING else None
