"""The contract of a provider that settles at once, as balances and tabs do.

    class TestPurse(InstantContract):
        @pytest.fixture
        def instant(self, app): return Instant(catalogue.providers["purse"], "EUR", fill)

Core begins and settles such a payment in one transaction, so nothing of it may be asked outside.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

import pytest

from core import checkout, ledger
from core.errors import OboloError
from core.money import Money
from core.orders import Grant, Line, Order
from core.payments import Intent, Kind, Provider, Settled, State, Status, records
from core.people import Reader
from core.storage import execute, new_id, transaction
from core.verify import verify


@dataclass(frozen=True, slots=True)
class Instant:
    """A provider that is on, and how a reader comes by what they pay with.

    `fill(holder, amount)` lets them have just that much; a provider that takes from nothing, and so
    refuses nothing, has none.
    """

    provider: Provider
    currency: str = "EUR"
    fill: Callable[[str, Money], None] | None = None


def _someone() -> Reader:
    holder = new_id("gst")
    return Reader(holder=holder, holders=(holder,))


def _ordered(instant: Instant, reader: Reader, minor: int) -> Order:
    key = new_id("key")
    line = Line("Read it", Money(minor, instant.currency), "income:contract", (Grant(key),))
    return checkout.start_order(reader, (line,))


def _pay(instant: Instant, order: Order, reader: Reader) -> None:
    checkout.pay(order.id, instant.provider.name, reader, f"http://localhost/checkout/{order.id}")


def _books() -> list[int]:
    """Return how much there is of all that a payment writes."""
    tables = ("ledger_entry", "payments_payment", "payments_movement", "entitlements_entitlement")
    return [execute(f"SELECT COUNT(*) FROM {one}").fetchone()[0] for one in tables]


class InstantContract:
    """What core relies on when a provider promises to be `instant`."""

    def test_it_settles_at_once_what_was_asked(self, instant: Instant) -> None:
        """Paid, with one charge of the amount, under core's own id."""
        reader = self._rich(instant, 50)
        order = _ordered(instant, reader, 20)
        _pay(instant, order, reader)
        (payment,) = records.of_order(order.id)
        (charge,) = payment.facts.movements

        assert (payment.facts.state, payment.facts.reference) == (State.PAID, payment.id)
        assert (charge.kind, charge.status) == (Kind.CHARGE, Status.DONE)
        assert (charge.minor, charge.currency, charge.fee) == (20, instant.currency, 0)
        assert payment.wrong == ""
        assert verify() == []

    def test_nothing_is_asked_outside(
        self, instant: Instant, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is asked inside a transaction: whoever waits for the net there stops the shop."""
        reader = self._rich(instant, 20)
        order = _ordered(instant, reader, 20)

        def refuse(*_: object) -> NoReturn:
            message = "an instant provider tried to reach the net"
            raise AssertionError(message)

        monkeypatch.setattr(socket.socket, "connect", refuse)  # databases do not go this way
        _pay(instant, order, reader)

        assert records.of_order(order.id)[0].facts.state is State.PAID

    def test_the_same_key_is_one_charge(self, instant: Instant) -> None:
        """Begun twice it says the same, and a report that comes again books nothing."""
        reader = self._rich(instant, 50)
        order = _ordered(instant, reader, 20)
        _pay(instant, order, reader)
        (payment,) = records.of_order(order.id)
        before = _books()
        wanted = Intent(
            payment.id, order.id, reader.holder, payment.amount, "Read it", payment.back, "en"
        )
        with transaction():
            again = instant.provider.begin(wanted, payment.id)
        assert isinstance(again, Settled)
        checkout.settle(instant.provider, payment.id, again.facts)

        assert payment.facts.join(again.facts) == payment.facts
        assert _books() == before

    def test_a_bound_that_refuses_leaves_nothing(self, instant: Instant) -> None:
        """No payment, no entry, nothing opened: the order stays open and can be paid otherwise."""
        if instant.fill is None:
            pytest.skip(f"{instant.provider.name} refuses nothing")
        reader = self._rich(instant, 19)
        order = _ordered(instant, reader, 20)
        before = _books()
        with pytest.raises(OboloError):
            _pay(instant, order, reader)

        assert _books() == before
        assert records.of_order(order.id) == []
        assert verify() == []

    def test_what_goes_back_can_be_kept(self, instant: Instant) -> None:
        """A provider that can `keep` is credited through its till, once, and it can be spent."""
        if "keep" not in instant.provider.can or instant.fill is None:
            pytest.skip(f"{instant.provider.name} does not say that it can keep")
        reader = self._rich(instant, 20)
        order = _ordered(instant, reader, 20)
        _pay(instant, order, reader)
        till = instant.provider.till(reader.holder, instant.currency)
        mode = instant.provider.mode
        empty = ledger.balance(till, instant.currency, mode)
        number = order.lines[0].number
        name = instant.provider.name
        asked = checkout.refund(order.id, {number: 20}, to=name, actor="test", reason="contract")
        full = ledger.balance(till, instant.currency, mode)
        again = _ordered(instant, reader, 20)
        _pay(instant, again, reader)

        assert asked.state == "done"
        assert abs(full.minor - empty.minor) == 20
        assert records.of_order(again.id)[0].facts.state is State.PAID
        assert verify() == []

    @staticmethod
    def _rich(instant: Instant, minor: int) -> Reader:
        """Return a new reader who can pay so much and no more."""
        reader = _someone()
        if instant.fill is not None:
            instant.fill(reader.holder, Money(minor, instant.currency))
        return reader
