"""What a provider's tests bring to the contract, and the steps that its rules are made of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from typing import Literal, Protocol

from core.money import Money
from core.payments import (
    Cancel,
    Facts,
    Inbound,
    Instructions,
    Intent,
    Kind,
    Movement,
    Payment,
    Provider,
    Redirect,
    Refund,
    Status,
)
from core.storage import new_id

Operation = Literal["begin", "look_up", "refund", "cancel"]


class Contract(Protocol):
    """A provider, and the side of it that a test drives: people, their banks, messages, trouble."""

    provider: Provider
    amounts: tuple[Money, ...]  # offered ones, the first of them at least 20 minor units
    not_offered: tuple[Money, ...]

    def person(self, ref: str, how: Literal["pay", "decline", "slow", "cancel"]) -> None:
        """Let a person do this on the provider's page; what is impossible there does nothing."""

    def finish_slow(self, ref: str) -> None:
        """Let the time pass that a slow payment takes."""

    def dispute(self, ref: str, minor: int) -> str:
        """Let the person's bank take money back; return the dispute's id."""

    def decide(self, dispute: str, verdict: Literal["won", "lost"]) -> None:
        """End a dispute."""

    def spoil(self, operation: Operation, way: str, *, done: bool) -> None:
        """Let the next answer to an operation go wrong."""

    def deliveries(self) -> list[Inbound]:
        """Return the messages about all that this test made happen, in order, signed now."""

    def signed(self, body: bytes, at: datetime) -> Inbound:
        """Return a message with this body as the provider would have signed it at an instant."""

    def foreign(self) -> Inbound:
        """Return a genuine message of the provider about a payment to another site."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A payment as core stores it before it asks the provider, and the intent."""

    payment: Payment
    intent: Intent


def ask(contract: Contract, amount: Money | None = None) -> Asked:
    """Return a payment that the provider does not know yet."""
    id, amount = new_id("pay"), amount or contract.amounts[0]
    payment = Payment(id, new_id("ord"), contract.provider.name, contract.provider.mode, amount)
    back = f"http://localhost/checkout/{payment.order}"
    intent = Intent(id, payment.order, "gst_1", amount, "Read “Hello”", back, "en")
    return Asked(payment, intent)


def begin(contract: Contract, asked: Asked) -> Payment:
    """Begin a payment, and return it with the provider's reference."""
    step = contract.provider.begin(asked.intent, asked.payment.id)
    assert isinstance(step, Redirect | Instructions)
    return replace(asked.payment, ref=step.ref)


def begun(contract: Contract, amount: Money | None = None) -> Payment:
    """Return a new payment that waits for the person."""
    return begin(contract, ask(contract, amount))


def paid(contract: Contract, amount: Money | None = None) -> Payment:
    """Return a new payment that a person paid."""
    payment = begun(contract, amount)
    contract.person(ref_of(payment), "pay")
    return payment


def ref_of(payment: Payment) -> str:
    """Return the provider's reference of a payment that has one."""
    assert payment.ref
    return payment.ref


def charges(facts: Facts) -> list[Movement]:
    """Return the charges that are done."""
    return [m for m in facts.movements if m.kind is Kind.CHARGE and m.status is Status.DONE]


def refund(contract: Contract, payment: Payment, minor: int, id: str = "") -> tuple[str, Facts]:
    """Refund a payment in part; return core's id of the refund and what the provider reports."""
    id = id or new_id("ref")
    (charge,) = charges(contract.provider.look_up(payment))
    action = Refund(id, Money(minor, payment.amount.currency), charge.id)
    return id, contract.provider.act(payment, action, id)


def cancel(contract: Contract, payment: Payment) -> Facts:
    """Let a payment go, as core does when its order is closed."""
    return contract.provider.act(payment, Cancel(), f"{payment.id}:cancel")


def joined(*reports: Facts) -> Facts:
    """Put reports together, as core does with each that comes in."""
    return reduce(Facts.join, reports, Facts(""))
