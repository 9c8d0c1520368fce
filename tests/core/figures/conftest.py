"""A shop that sold on several days, whose books are looked at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from core import checkout, clock, ledger
from core.orders import Line
from core.payments import Kind, Movement, Status, records
from core.people import Reader
from tests.stand_in import Instant, StandIn, charge, eur, paid, plugged, post_line

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
TAX = (Line("VAT", eur(-4), "income:posts", part_of=1),
       Line("VAT", eur(4), "liabilities:vat:IT", part_of=1))  # fmt: skip


def reader(name: str) -> Reader:
    return Reader(holder=f"gst_{name}", holders=(f"gst_{name}",))


@dataclass
class Shop:
    """Sells by a stand-in, so many days before the last one."""

    card: StandIn

    def sell(self, ago, *lines, who="ada", key="post:hello", fee=1, seconds=10, **report):
        """Sell something by card, with the clock of its day; return its payment."""
        buyer, at = reader(who), NOON - timedelta(days=ago)
        with clock.set_to(at):
            order = checkout.start_order(buyer, lines or (post_line(20, key),))
            checkout.pay(order.id, "standin", buyer, "")
        (payment,) = records.of_order(order.id)
        movement = charge(f"ch_{payment.id}", order.total.minor, fee=fee)
        with clock.set_to(at + timedelta(seconds=seconds)):
            return checkout.settle(self.card, payment.id, paid(payment, movement, **report))

    def refund(self, ago, payment, minor):
        """Give back some of a payment's first line."""
        with clock.set_to(NOON - timedelta(days=ago)):
            checkout.refund(payment.order, {1: minor}, actor="test", reason="asked")

    def dispute(self, ago, payment):
        """Lose all of a payment, and a fee of 15 euro."""
        known = payment.facts.join(paid(payment, Movement(
            Kind.DISPUTE, f"dp_{payment.id}", payment.amount.minor, "EUR", Status.DONE, fee=1500,
        )))  # fmt: skip
        with clock.set_to(NOON - timedelta(days=ago)):
            checkout.settle(self.card, payment.id, known)


@pytest.fixture
def shop(db):
    card = StandIn()
    with plugged(card, Instant()):
        yield Shop(card)
    ledger._bounds.clear()
