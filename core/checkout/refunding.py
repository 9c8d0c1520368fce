"""Refund by lines: stored before the provider is asked, and asked again until known."""

from __future__ import annotations

import re
from dataclasses import replace

from core import audit, entitlements, ledger, notices, orders
from core.checkout import booking
from core.checkout.refreshing import charge_of
from core.checkout.settling import settle
from core.checkout.standing import states
from core.crashpoints import crashpoint
from core.errors import BadInput, Conflict, Refused
from core.money import Money
from core.orders import Order
from core.payments import Kind, Payment, ProviderRefused, ProviderUnknown, Refund, Status, records
from core.payments.records import AskedRefund
from core.plugins import catalogue
from core.storage import new_id, transaction


def left(order: Order, payment: Payment) -> dict[int, int]:
    """Return, by line, the minor units that can still go back; parts count with their line."""
    taken: dict[int, int] = {}
    for asked in records.refunds(payment):
        for number, minor in asked.lines.items() if asked.state != "failed" else ():
            taken[number] = taken.get(number, 0) + minor
    worth = {
        line.number: sum(one.amount.minor for one in order.group(line.number))
        for line in order.lines
        if line.part_of is None
    }
    return {number: minor - taken.get(number, 0) for number, minor in worth.items() if minor > 0}


def refund(
    order_id: str,
    lines: dict[int, int],
    *,
    actor: str,
    reason: str,
    to: str = "",
    refund_id: str = "",
    only_unspent: bool = False,
) -> AskedRefund:
    """Give back an amount of each named line, the way it was paid or to one that can keep it.

    What a line paid into a balance is taken out of it now, so that nobody spends it meanwhile; with
    `only_unspent` more than the balance has is refused, else the rest becomes a claim.

    Whoever may ask twice for the same refund, as a form may be sent twice, names it by an id of
    `new_refund_id`: the second time the first one is returned, and nothing more goes back.

    Raises Conflict when the order was not paid, Refused when more is asked than is left or the
    provider refuses. When the provider's answer is not known the refund stays asked, and
    `refresh` repeats it with the same key.
    """
    with transaction():
        order = orders.find(order_id, lock=True)
        if order.state != "paid" or not order.payment:
            raise Conflict("Only a paid order can be refunded.")
        payment = records.find(order.payment)
        if earlier := _earlier(payment, refund_id):
            return earlier
        asked = replace(_asked(order, payment, lines, to, reason), id=refund_id or new_refund_id())
        records.store_refund(asked)
        audit.record(
            "orders.refund",
            actor=actor,
            subject=order.id,
            refund=asked.id,
            amount=str(asked.amount),
            reason=reason,
        )
        records.look_soon(payment.id)
        if asked.destination != payment.provider:
            return _keep(order, payment, asked)
        booking.set_aside(order, payment, asked, only_unspent=only_unspent)
    crashpoint("refund-stored")
    return _give_back(payment, asked)


REFUND_ID = re.compile(r"ref_[0-9a-z]{20,40}")


def new_refund_id() -> str:
    """Return an id for a refund that may be asked for more than once."""
    return new_id("ref")


def _earlier(payment: Payment, refund_id: str) -> AskedRefund | None:
    """Return the refund of this id, if it was asked for. Raises BadInput for what is no such id."""
    if not refund_id:
        return None
    owner = records.payment_of_refund(refund_id)
    if not REFUND_ID.fullmatch(refund_id) or owner not in (None, payment.id):
        raise BadInput("This form is too old. Please open the page again.")
    return next((one for one in records.refunds(payment) if one.id == refund_id), None)


def _asked(
    order: Order, payment: Payment, lines: dict[int, int], to: str, reason: str
) -> AskedRefund:
    available = left(order, payment)
    for number, minor in lines.items():
        if not 0 < minor <= available.get(number, 0):
            raise Refused("Line {number} has not that much left to give back.", number=number)
    total = Money(sum(lines.values()), order.currency)
    facts, named = payment.facts, {one.movement for one in records.refunds(payment)}
    gone = facts.total(Kind.DISPUTE, Status.PENDING, Status.DONE) + sum(
        m.minor
        for m in facts.movements
        if m.kind is Kind.REFUND
        and m.status is not Status.FAILED
        and m.asked is None
        and m.id not in named
    )
    asked_before = sum(
        one.amount.minor for one in records.refunds(payment) if one.state != "failed"
    )
    if not lines or total.minor > facts.total(Kind.CHARGE, Status.DONE) - gone - asked_before:
        raise Refused("There is not that much left to give back.")
    destination = to or payment.provider
    if destination != payment.provider and "keep" not in _can(destination):
        raise Refused("This way of paying cannot keep money for the reader.")
    return AskedRefund("", payment.id, total, lines, destination, "asked", reason)


def _can(provider: str) -> frozenset[str]:
    found = catalogue.providers.get(provider)
    return found.can if found else frozenset()


def _keep(order: Order, payment: Payment, asked: AskedRefund) -> AskedRefund:
    """Credit the till of a provider that keeps money for the reader: done at once."""
    keeper = catalogue.providers[asked.destination]
    before = booking.Books(
        order, payment, payment.facts.movements, refunds=records.refunds(payment)
    )
    records.mark_refund(asked.id, "done")
    after = replace(before, refunds=records.refunds(payment))
    legs = booking.difference(after.legs(keeper.till), before.legs(keeper.till))
    legs.append(ledger.Leg(keeper.till(order.holder, order.currency), -asked.amount))
    owner = booking.owner_of(order.holder)
    ledger.post(
        f"{keeper.name}:refund:{asked.id}", booking.of_owner(legs, order.holder, owner),
        reason="refund kept for the reader", mode=payment.mode, order=order.id,
        spill=ledger.CLAIMS + owner,
    )  # fmt: skip
    entitlements.set_states(order.id, states(order, payment, payment.facts, gone=False))
    notices.tell(
        "on_order_refunded", f"{payment.id}:{asked.id}", order=order.id, minor=asked.amount.minor
    )
    return replace(asked, state="done")


def _give_back(payment: Payment, asked: AskedRefund) -> AskedRefund:
    provider = catalogue.providers[payment.provider]
    try:
        facts = provider.act(payment, Refund(asked.id, asked.amount, charge_of(payment)), asked.id)
    except ProviderUnknown:
        return asked
    except ProviderRefused as error:
        with transaction():
            records.mark_refund(asked.id, "failed")
            booking.put_back(asked.id, payment)
        raise Refused("The refund was refused: {why}", why=error) from error
    crashpoint("refund-acted")
    settle(provider, payment.id, facts)
    state = next(one.state for one in records.refunds(payment) if one.id == asked.id)
    return replace(asked, state=state)
