"""Charge a kept method while its reader is away; stored first, and asked again until known."""

from __future__ import annotations

import logging

from core.checkout.competing import let_others_go, refuse_under_way
from core.checkout.intents import new_payment
from core.checkout.paying import open_order
from core.checkout.refreshing import do_what_waits
from core.checkout.ways import offer
from core.crashpoints import crashpoint
from core.errors import NotFound, Refused
from core.orders import Order
from core.payments import Payment, Provider, ProviderUnknown, State, methods, records
from core.payments.methods import Method
from core.people import Reader, users
from core.plugins import catalogue
from core.storage import transaction

log = logging.getLogger("obolo.checkout")


def charge_saved(order_id: str, method_id: str) -> Payment:
    """Pay an open order by a method that its holder keeps, without asking them again.

    The second call goes on with the first one's payment. What it returns says how far it came:
    paid; failed; waiting for the reader, who is then sent a link; or new, while the provider's
    answer is not known and is asked for again. Raises NotFound for a method that is not the
    holder's, Conflict for an order that is not open, and Refused.
    """
    with transaction():
        order = open_order(order_id)
        method = methods.find(method_id)
        if method.holder not in _holders(order.holder):
            raise NotFound("This way of paying is no longer kept.")
        provider = _provider(order, method)
        tries = records.of_order(order.id)
        payment = _unfinished(tries, method)
        if payment is None:
            kept_by = records.find(method.payment)
            back = kept_by.back.replace(kept_by.order, order.id)
            reader = Reader(holder=order.holder, holders=(order.holder,))
            payment = new_payment(order, provider, reader, method=method.id, back=back)
            records.store(payment)
    crashpoint("charge-stored")
    if payment.facts.state is State.CUSTOMER:
        return payment
    let_others_go(payment, tries)
    try:
        return do_what_waits(provider, payment)
    except ProviderUnknown as error:
        log.warning("payment %s is charged, or will be: %s", payment.id, error)
        return payment


def _holders(holder: str) -> tuple[str, ...]:
    is_user = holder.startswith(f"{users.PREFIX}_")
    return (holder, *users.claimed_by(holder)) if is_user else (holder,)


def _provider(order: Order, method: Method) -> Provider:
    """Return who keeps a method, if the order can be paid there. Raises Refused."""
    provider = catalogue.providers.get(method.provider)
    can = frozenset() if provider is None else provider.can
    lacks = {"save", *(("hold",) if order.is_held else ())} - can
    if provider is None or lacks or offer(provider, order.total, "") is None:
        raise Refused("This way of paying is not offered for this amount.")
    return provider


def _unfinished(tries: list[Payment], method: Method) -> Payment | None:
    refuse_under_way(tries)
    own = (one for one in tries if one.method == method.id)
    return next((one for one in own if one.facts.state in (State.NEW, State.CUSTOMER)), None)
