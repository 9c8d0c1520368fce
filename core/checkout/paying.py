"""Pay: quotes before, the intent stored, then the provider; and look again at what is open."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace

from core import entitlements, orders
from core.checkout.choosing import attach, let_go_of_others, unfinished
from core.checkout.ordering import prepare, refuse_debtors, reserve
from core.checkout.settling import book, settle
from core.checkout.ways import way_named
from core.clock import now
from core.crashpoints import crashpoint
from core.errors import Conflict, Refused
from core.orders import Line, Order
from core.payments import Intent, Payment, Provider, ProviderRefused, Settled, State, Step, records
from core.people import Reader
from core.storage import lock_name, new_id, transaction

log = logging.getLogger("obolo.checkout")


class AlreadyHeld(Conflict):
    """The reader holds for ever what the order would sell."""


def buy(
    reader: Reader, lines: tuple[Line, ...], provider_name: str, *, return_to: str = "/",
    answers: Mapping[str, str] | None = None,
) -> Order:  # fmt: skip
    """Order, pay and settle in one transaction, by a provider that makes no outside call.

    A bound that refuses rolls all of it back. Raises what `start_order` raises, and BoundExceeded.
    """
    order = prepare(reader, lines, return_to=return_to, answers=answers or {})
    provider = way_named(provider_name, order.total, reader)
    if "instant" not in provider.can:
        raise Conflict("This way of paying takes more than one step.")
    payment = _new_payment(order, provider, reader)
    with transaction():
        lock_name(order.holder)
        _refuse_twice(order, reader)
        step = provider.begin(_intent(order, payment, ""), payment.id)
        assert isinstance(step, Settled), f"{provider.name} promises to be instant"
        paid = replace(order, state="paid", payment=payment.id, mode=payment.mode)
        orders.store(paid)
        reserve(paid)
        records.store(replace(payment, facts=step.facts, ref=step.facts.ref), over=True)
        if problem := book(order, payment, step.facts, provider, paid):
            raise Refused("This payment is wrong: {problem}.", problem=problem)
    return paid


def _refuse_twice(order: Order, reader: Reader) -> None:
    """Refuse to sell again what the reader holds for ever: the second tap of a double tap."""
    keys = {grant.key for line in order.lines for grant in line.grants if grant.lasts is None}
    if keys and all(entitlements.holds_any(reader.holders, [key]) for key in keys):
        raise AlreadyHeld("This is yours already.")


def pay(
    order_id: str, provider_name: str, reader: Reader, return_url: str, *, inline: bool = False
) -> Step:
    """Start to pay an order; the payment is stored before its provider is called.

    A second call for the same provider goes on with the same payment and key, so that a reload
    charges nothing twice; one that is paid `inline`, on a page of the site, is another payment.
    An instant provider settles in the same transaction. Raises Conflict, Refused, BoundExceeded,
    ProviderRefused, ProviderUnknown.
    """
    with transaction():
        order = orders.find(order_id, lock=True)
        if order.state != "open" or (order.expires and order.expires <= now()):
            raise Conflict("This order is no longer open.")
        provider = way_named(provider_name, order.total, reader)
        if inline and "inline" not in provider.can:
            raise Refused("This way of paying leads to a page of its own.")
        tries = records.of_order(order.id)
        payment = unfinished(tries, provider, inline=inline)
        if payment is None:
            payment = replace(_new_payment(order, provider, reader), inline=inline)
            records.store(payment)
        intent = _intent(order, payment, return_url)
        if "instant" in provider.can:
            step = provider.begin(intent, payment.id)
            assert isinstance(step, Settled), f"{provider.name} promises to be instant"
            settle(provider, payment.id, step.facts)
            return step
    crashpoint("intent-stored")
    let_go_of_others(tries, payment)
    try:
        step = provider.begin(intent, payment.id)
    except ProviderRefused as error:
        if payment.facts.state is State.NEW:
            refused = replace(payment.facts, state=State.FAILED, failure=str(error))
            settle(provider, payment.id, refused)
        raise
    crashpoint("provider-begun")
    if isinstance(step, Settled):
        settle(provider, payment.id, step.facts)
    else:
        attach(payment, step.ref, {one.id for one in tries})
    crashpoint("ref-stored")
    return step


def _new_payment(order: Order, provider: Provider, reader: Reader) -> Payment:
    if provider.till(order.holder, order.currency).endswith(f":{order.holder}"):
        refuse_debtors(reader)
    return Payment(new_id("pay"), order.id, provider.name, provider.mode, order.total)


def _intent(order: Order, payment: Payment, return_url: str) -> Intent:
    label, language = order.lines[0].label, order.language
    return Intent(
        payment.id, order.id, order.holder, payment.amount, label, return_url, language,
        inline=payment.inline,
    )  # fmt: skip
