"""Play money keeps the provider's contract, in the site's process and as a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from core.money import Money
from core.payments import Inbound, Provider
from core.storage import new_id
from core.testing.providers import ProviderContract
from plugins.playmoney.bank import Bank, BankRefused, Delivery, Wish
from plugins.playmoney.provider import PlayMoney
from plugins.playmoney.signature import HEADER, sign
from plugins.playmoney.transports import LocalBank, RemoteBank
from tests.plugins.playmoney.bank_process import BankProcess, bank_process

EUROS = [Money(minor, "EUR") for minor in (20, 5, 99, 333, 500, 1999)]
AMOUNTS = (*EUROS, Money(20, "GBP"), Money(1234, "USD"))
NOT_OFFERED = (Money(-20, "EUR"), Money(500, "JPY"), Money(1000, "KWD"))
SLOW_SECONDS = 3600.0
"""So slow that a test must say when the time is over."""


def foreign_wish() -> Wish:
    """Return what another site asks of the same bank."""
    return Wish(
        payee="another", key=new_id("pay"), reference=new_id("pay"), minor=20, currency="EUR",
        description="Elsewhere", return_url="http://elsewhere.example/",
    )  # fmt: skip


@dataclass
class InProcess:
    """The bank in the site's own process."""

    bank: Bank
    provider: Provider
    amounts: tuple[Money, ...] = AMOUNTS
    not_offered: tuple[Money, ...] = NOT_OFFERED

    def person(self, ref: str, how: Any) -> None:
        """Do it at the bank."""
        with suppress(BankRefused):
            self.bank.pay(ref, how, slow_seconds=SLOW_SECONDS)

    def finish_slow(self, ref: str) -> None:
        """Charge now what would be charged in an hour."""
        self.bank.finish_slow(early=True)

    def dispute(self, ref: str, minor: int) -> str:
        """Dispute it at the bank."""
        return self.bank.dispute(ref, minor).id

    def decide(self, dispute: str, verdict: Any) -> None:
        """Decide it at the bank."""
        self.bank.decide(dispute, verdict)

    def spoil(self, operation: str, way: str, *, done: bool) -> None:
        """Lose the next answer."""
        self.bank.faults.add(operation, way, done=done)

    def deliveries(self) -> list[Inbound]:
        """Take the messages from the bank."""
        return [inbound(one) for one in self.bank.deliveries()]

    def signed(self, body: bytes, at: datetime) -> Inbound:
        """Sign as the bank does."""
        return Inbound({HEADER: sign(self.bank.secret, body, at)}, body)

    def foreign(self) -> Inbound:
        """Let somebody pay another site."""
        self.bank.pay(self.bank.begin(foreign_wish()).ref, "pay")
        return self.deliveries()[-1]


@dataclass
class OwnProcess:
    """The bank as a process of its own, driven over HTTP."""

    process: BankProcess
    provider: Provider
    after: int
    amounts: tuple[Money, ...] = AMOUNTS
    not_offered: tuple[Money, ...] = NOT_OFFERED

    def person(self, ref: str, how: Any) -> None:
        """Choose the button on the page."""
        assert self.process.choose(ref, how) == 303

    def finish_slow(self, ref: str) -> None:
        """Charge now what would be charged in an hour."""
        self.process.control("finish_slow")

    def dispute(self, ref: str, minor: int) -> str:
        """Dispute it at the bank."""
        return str(self.process.control("dispute", ref=ref, minor=minor)["id"])

    def decide(self, dispute: str, verdict: Any) -> None:
        """Decide it at the bank."""
        self.process.control("decide", dispute=dispute, verdict=verdict)

    def spoil(self, operation: str, way: str, *, done: bool) -> None:
        """Spoil the next answer on the wire."""
        self.process.control("faults", operation=operation, way=way, done=done)

    def deliveries(self) -> list[Inbound]:
        """Take the messages from the bank."""
        found = self.process.ask("GET", f"/control/deliveries?after={self.after}")[1]
        return [Inbound(one["headers"], one["body"].encode()) for one in found]

    def signed(self, body: bytes, at: datetime) -> Inbound:
        """Sign as the bank does."""
        return Inbound({HEADER: sign(self.process.secret, body, at)}, body)

    def foreign(self) -> Inbound:
        """Let somebody pay another site."""
        begun = self.process.ask("POST", "/v1/payments", foreign_wish())[1]
        self.person(begun["ref"], "pay")
        return self.deliveries()[-1]


def inbound(delivery: Delivery) -> Inbound:
    """Return a message as it comes in."""
    return Inbound(delivery.headers, delivery.body)


class TestInProcess(ProviderContract):
    """The demo's way."""

    @pytest.fixture
    def contract(self, tmp_path: Path) -> Iterator[InProcess]:
        bank = Bank(tmp_path / "bank.db")
        transport = LocalBank(bank)
        yield InProcess(bank, PlayMoney(lambda: transport))
        bank.log.close()


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BankProcess]:
    """Run one bank for all tests of this file."""
    folder = tmp_path_factory.mktemp("bank")
    with bank_process(folder, "--webhooks", "hold", "--slow-seconds", str(SLOW_SECONDS)) as running:
        yield running


@pytest.mark.xdist_group("playmoney")
class TestOwnProcess(ProviderContract):
    """The proofs' way."""

    @pytest.fixture
    def contract(self, process: BankProcess) -> OwnProcess:
        transport = RemoteBank(process.url, process.secret, timeout=0.5)
        found = process.ask("GET", "/control/deliveries")[1]
        after = found[-1]["number"] if found else 0
        return OwnProcess(process, PlayMoney(lambda: transport), after)
