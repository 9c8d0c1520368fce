"""Buy at once: order, pay and settle in one transaction, where no outside call is needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from core import entitlements, orders
from core.checkout.intents import intent, new_payment
from core.checkout.ordering import prepare, reserve, start_order
from core.checkout.settling import book
from core.checkout.ways import way_named
from core.errors import Conflict, Refused
from core.orders import Line, Order
from core.payments import Settled, records
from core.people import Reader
from core.storage import lock_name, transaction


class AlreadyHeld(Conflict):
    """The reader holds for ever what the order would sell."""


def buy(
    reader: Reader, lines: tuple[Line, ...], provider_name: str, *, return_to: str = "/",
    answers: Mapping[str, str] | None = None, admit: Callable[[], None] | None = None,
) -> Order:  # fmt: skip
    """Order, pay and settle in one transaction, by a provider that makes no outside call.

    A bound that refuses rolls all of it back, and so does `admit`, which is called first in it.
    What costs nothing by now needs no provider. Raises what `start_order` raises, BoundExceeded.
    """
    order = prepare(reader, lines, return_to=return_to, answers=answers or {})
    if not order.total:
        return start_order(reader, lines, return_to=return_to, answers=answers)
    provider = way_named(provider_name, order, reader)
    if "instant" not in provider.can:
        raise Conflict("This way of paying takes more than one step.")
    payment = new_payment(order, provider, reader)
    with transaction():
        if admit is not None:
            admit()
        lock_name(order.holder)
        _refuse_twice(order, reader)
        step = provider.begin(intent(order, payment), payment.id)
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
