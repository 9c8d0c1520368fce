"""PayPal keeps the provider's contract, with every request as PayPal's own models want it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from core import http
from core.clock import now
from core.errors import Forged
from core.money import Money
from core.payments import Capture, Inbound, Payment, ProviderRefused
from core.storage import Migrations, close, lock_migrations, new_id
from core.testing.provider_steps import Contract, paid
from core.testing.providers import ProviderContract
from plugins.paypal import wire
from plugins.paypal.amounts import Fees
from plugins.paypal.provider import PayPal, Site
from plugins.paypal.wire import Wire
from tests.architecture.tree import ROOT
from tests.plugins.paypal.fake import CLIENT, SECRET, WEBHOOK, FakePayPal, Fault, running

FEES = Fees.of("3.40", "0.35", "EUR")
PATIENT, IMPATIENT = 10.0, 0.4
"""Seconds that an answer is waited for: a busy machine is no trouble, except where it is asked."""
AMOUNTS = tuple(Money(minor, "EUR") for minor in (50, 20, 99, 333, 1999))


def provider_for(fake: FakePayPal, *, fees: Fees | None = FEES, retries: int = 0) -> PayPal:
    """Return the provider of a site that is connected to this PayPal."""
    reach = Wire(fake.url, CLIENT, SECRET, timeout=PATIENT, retries=retries, sleep=lambda _: None)
    site = Site(reach, WEBHOOK, False, fake.books.merchant, fees, "A small shop")
    return ClosesInThreads(lambda: site)


class ClosesInThreads(PayPal):
    """The provider, whose calls from a test's further threads leave no connection open."""

    def begin(self, *arguments: Any) -> Any:
        """Begin."""
        with closed():
            return super().begin(*arguments)

    def look_up(self, *arguments: Any) -> Any:
        """Look up."""
        with closed():
            return super().look_up(*arguments)

    def act(self, *arguments: Any) -> Any:
        """Act."""
        with closed():
            return super().act(*arguments)


@contextmanager
def closed() -> Iterator[None]:
    """Close the database of a thread that is not the test's own."""
    try:
        yield
    finally:
        if threading.current_thread() is not threading.main_thread():
            close()


@dataclass
class WithFake:
    """The provider and the fake; a person's “pay” is approved there and captured as core does."""

    fake: FakePayPal
    provider: PayPal
    amounts: tuple[Money, ...] = AMOUNTS
    not_offered: tuple[Money, ...] = (Money(-20, "EUR"), Money(500, "JPY"), Money(1000, "KWD"))
    tries: int = 0
    told: int = field(default=0)

    def person(self, ref: str, how: Any) -> None:
        """Choose on PayPal's page, and come back to the site."""
        unit = self.fake.books.order(ref)["purchase_units"][0]
        amount = Money(int(Decimal(unit["amount"]["value"]) * 100), unit["amount"]["currency_code"])
        payment = Payment(unit["custom_id"], "ord_1", "paypal", "test", amount, ref=ref)
        if how == "cancel":
            self.provider.left(payment.id, ref)
            return
        self.fake.books.approve(ref, how)
        self.tries += 1
        with suppress(ProviderRefused):
            self.provider.act(payment, Capture(), f"{payment.id}:capture:{self.tries}")

    def finish_slow(self, ref: str) -> None:
        """Let the bank be through."""
        self.fake.books.complete(ref)

    def dispute(self, ref: str, minor: int) -> str:
        """Open a dispute at PayPal."""
        return self.fake.books.dispute(ref, f"{Decimal(minor) / 100:.2f}")

    def decide(self, dispute: str, verdict: Any) -> None:
        """End it."""
        self.fake.books.decide(dispute, verdict)

    def spoil(self, operation: str, way: str, *, done: bool) -> None:
        """Spoil an answer; a cancel reads the order before its note and after it."""
        if way == "timeout":
            self.provider._site().wire._timeout = IMPATIENT
        if operation == "cancel":
            self.fake.faults.append(Fault("look_up", way, skip=int(done)))
        else:
            self.fake.faults.append(Fault(operation, way, done=done))

    def deliveries(self) -> list[Inbound]:
        """Sign all messages now."""
        return [self.fake.inbound(event) for event in self.fake.books.events]

    def signed(self, body: bytes, at: datetime) -> Inbound:
        """Sign anything."""
        return self.fake.inbound(body, at)

    def foreign(self) -> Inbound:
        """Let somebody pay another site with the same account."""
        asked = {
            "intent": "CAPTURE",
            "purchase_units": [{
                "amount": {"currency_code": "EUR", "value": "1.00"}, "custom_id": "elsewhere",
                "invoice_id": new_id("pay"),
            }],
            "payment_source": {"paypal": {"experience_context": {}}},
        }  # fmt: skip
        order = self.fake.books.create(asked)
        self.fake.books.approve(order["id"])
        self.fake.books.capture(order["id"])
        return self.deliveries()[-1]


@pytest.fixture
def tables(db: str) -> None:
    """Make the plugin's table."""
    with lock_migrations():
        Migrations("paypal", ROOT / "plugins" / "paypal" / "migrations").apply()


@pytest.fixture
def fake() -> Iterator[FakePayPal]:
    """Yield a PayPal that was asked nothing wrong."""
    with running() as fake:
        yield fake
    assert fake.mistakes == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
class TestPayPal(ProviderContract):
    """The whole contract."""

    begins_again = True

    @pytest.fixture
    def contract(self, tables: None, fake: FakePayPal, monkeypatch: pytest.MonkeyPatch) -> WithFake:
        monkeypatch.setattr(wire, "http_request", http.request)  # there is no site to declare it
        return WithFake(fake, provider_for(fake))

    @pytest.mark.parametrize("days", [-5, -365, 365])
    @pytest.mark.parametrize("seconds", [301])
    def test_a_message_of_another_time_is_refused(
        self, contract: Contract, days: int, seconds: int
    ) -> None:
        """PayPal repeats a message for three days with its first signature; later is refused."""
        paid(contract)
        body = contract.deliveries()[-1].body

        for wrong in (timedelta(seconds=seconds), timedelta(days=days)):
            with pytest.raises(Forged):
                list(contract.provider.hear(contract.signed(body, now() + wrong)))
