"""Bank transfer keeps the provider's contract, as far as a bank has such things.

There are no messages of a bank, so only `hear` itself is tested; nothing is asked over a network,
so no answer gets lost; and a transfer cannot be disputed.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

import pytest

from core.errors import Forged, OboloError
from core.money import Money
from core.payments import Inbound, Kind, Status
from core.storage import Migrations, close, lock_migrations, new_id, transaction
from core.testing.provider_more import DistrustRules
from core.testing.provider_steps import begun, paid, refund
from core.testing.providers import CancelRules, FeeRules, PayingRules, RefundRules
from plugins.banktransfer import lines, records
from plugins.banktransfer.accounts import Account
from plugins.banktransfer.provider import BankTransfer
from plugins.banktransfer.statements import Entry
from tests.architecture.tree import ROOT

ACCOUNT = Account("Ada Bianchi", "IT60X0542811101000000123456", "", 1, 14)


class ClosesInThreads(BankTransfer):
    """The provider, whose calls from a test's further threads leave no connection open."""

    def begin(self, *arguments: Any) -> Any:
        """Begin."""
        with closed():
            return super().begin(*arguments)

    def act(self, *arguments: Any) -> Any:
        """Act."""
        with closed():
            return super().act(*arguments)

    def look_up(self, *arguments: Any) -> Any:
        """Look up."""
        with closed():
            return super().look_up(*arguments)


@contextmanager
def closed() -> Iterator[None]:
    """Close the database of a thread that is not the test's own."""
    try:
        yield
    finally:
        if threading.current_thread() is not threading.main_thread():
            close()


@dataclass
class WithBank:
    """A person who pays is a line of a statement, which staff confirm when it fits."""

    provider: BankTransfer = field(default_factory=lambda: ClosesInThreads(lambda: ACCOUNT))
    amounts: tuple[Money, ...] = (Money(20, "EUR"), Money(500, "EUR"), Money(123_456, "EUR"))
    not_offered: tuple[Money, ...] = (Money(-20, "EUR"), Money(500, "JPY"), Money(500, "CHF"))

    def person(self, ref: str, how: Literal["pay", "decline", "slow", "cancel"]) -> None:
        """Send the money; or say that it will not come, as staff note it."""
        with closed():
            transfer = records.of_reference(ref)
            assert transfer is not None
            if how in ("decline", "cancel"):
                with transaction():
                    state = {"decline": "failed", "cancel": "cancelled"}[how]
                    records.mark(transfer.id, state, "not sent" if how == "decline" else "")
                return
            words = f"Pagamento {ref.lower()} grazie"
            with suppress(OboloError):
                lines.keep([Entry(date(2026, 3, 2), transfer.amount, "Leo Rossi", words, ref)])
            if how == "pay":
                self.finish_slow(ref)

    def finish_slow(self, ref: str) -> None:
        """Confirm what fits, also after somebody gave it up."""
        for match in lines.waiting():
            transfer = match.transfer
            if transfer and transfer.reference == ref and transfer.state != "cancelled":
                with suppress(OboloError), transaction():
                    lines._leave_new(match.line.id, "booked", transfer_id=transfer.id)

    def dispute(self, ref: str, minor: int) -> str:
        """Dispute nothing: there is no such thing."""
        raise NotImplementedError

    def decide(self, dispute: str, verdict: Literal["won", "lost"]) -> None:
        """Decide nothing."""
        raise NotImplementedError

    def spoil(self, operation: str, way: str, *, done: bool) -> None:
        """Spoil nothing: there is no network between."""
        raise NotImplementedError

    def deliveries(self) -> list[Inbound]:
        """Return no message."""
        return []

    def signed(self, body: bytes, at: datetime) -> Inbound:
        """Return a message that nobody signs."""
        return Inbound({}, body)

    def foreign(self) -> Inbound:
        """Return the same."""
        return Inbound({}, b"{}")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
class TestBankTransfer(PayingRules, FeeRules, CancelRules, RefundRules, DistrustRules):
    """What the contract says of paying, fees, letting go and giving back."""

    @pytest.fixture
    def contract(self, db: str) -> WithBank:
        with lock_migrations():
            Migrations("banktransfer", ROOT / "plugins" / "banktransfer" / "migrations").apply()
        return WithBank()

    def test_no_message_is_believed(self, contract: WithBank) -> None:
        """A bank sends none."""
        with pytest.raises(Forged):
            list(contract.provider.hear(contract.signed(b"{}", datetime.now())))  # noqa: DTZ005

    def test_a_refund_is_pending_until_staff_have_sent_it(self, contract: WithBank) -> None:
        """Nobody but a person at the bank can send money back."""
        payment = paid(contract)
        id, facts = refund(contract, payment, 5)
        records.sent(id)
        after = contract.provider.look_up(payment).movement(Kind.REFUND, id)

        assert facts.total(Kind.REFUND, Status.PENDING) == 5
        assert after is not None
        assert after.status is Status.DONE

    def test_a_transfer_that_nobody_asked_for_is_never_found(self, contract: WithBank) -> None:
        """A reference is drawn for each, and another one is nobody's."""
        first, second = begun(contract), begun(contract)

        assert first.ref != second.ref
        assert records.of_reference(new_id("pay")) is None
