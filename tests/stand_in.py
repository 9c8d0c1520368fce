"""A provider in memory whose reports a test sets, and what most tests of money need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any

from core import checkout, hookimpl
from core.ledger import Bound, balance, declare_bounds
from core.money import Money
from core.orders import Grant, Line
from core.payments import (
    Action,
    Cancel,
    Capture,
    ChargeSaved,
    Facts,
    Hint,
    Inbound,
    Intent,
    Kind,
    Movement,
    Payment,
    Quote,
    Redirect,
    Refund,
    Settled,
    State,
    Status,
    Step,
    records,
)
from core.people import Reader
from core.plugins import caller, catalogue

READER = Reader(holder="gst_reader", holders=("gst_reader",))


def eur(minor: int) -> Money:
    """Return so many cents."""
    return Money(minor, "EUR")


def post_line(minor: int = 20, key: str = "post:hello") -> Line:
    """Return the line that sells a post."""
    return Line("Read this post", eur(minor), "income:posts", (Grant(key),))


@dataclass
class StandIn:
    """Does what a test says: reports `facts`, raises `error`, and remembers what it was asked."""

    name: str = "standin"
    can: frozenset[str] = frozenset({"refund", "partial_refund"})
    mode: str = "live"
    payee: str = "shop"
    fee: int = 0
    facts: dict[str, Facts] = field(default_factory=dict)
    error: Exception | None = None
    charged: Facts | None = None
    asked: list[tuple[str, Any, str]] = field(default_factory=list)

    def till(self, holder: str, currency: str) -> str:
        """Settle from one account of the site's."""
        return f"assets:{self.name}"

    def quote(self, amount: Money, *, country: str) -> Quote | None:
        """Offer everything."""
        return Quote("Stand-in", Money(self.fee, amount.currency))

    def begin(self, intent: Intent, key: str) -> Step:
        """Wait for the reader."""
        self._ask("begin", intent, key)
        self.facts.setdefault(
            intent.payment, Facts(f"si_{intent.payment}", State.CUSTOMER, reference=intent.payment)
        )
        return Redirect(f"si_{intent.payment}", "https://pay.example/")

    def look_up(self, payment: Payment) -> Facts:
        """Report what the test set."""
        self._ask("look_up", payment, "")
        return self.facts.get(payment.id, Facts(""))

    def act(self, payment: Payment, action: Action, key: str) -> Facts:
        """Cancel, capture, charge and refund at once."""
        self._ask("act", action, key)
        known = self.facts.get(payment.id, Facts(f"si_{payment.id}"))
        if isinstance(action, Capture | ChargeSaved):
            taken = charge(f"ch_{key}", payment.amount.minor, payment.amount.currency)
            answer = Facts(known.ref, State.PAID, (taken,), reference=payment.id)
            known = known.join(self.charged or answer)
        if isinstance(action, Cancel):
            known = known.join(Facts(known.ref, State.CANCELLED))
        if isinstance(action, Refund):
            back = Movement(
                Kind.REFUND,
                f"re_{key}",
                action.amount.minor,
                action.amount.currency,
                fee=0,
                asked=key,
            )
            known = known.join(Facts(known.ref, known.state, (back,)))
        self.facts[payment.id] = known
        return known

    def hear(self, request: Inbound) -> Iterable[Hint]:
        """Hear nothing."""
        return ()

    def _ask(self, what: str, about: Any, key: str) -> None:
        self.asked.append((what, about, key))
        if self.error:
            raise self.error


@dataclass
class Instant(StandIn):
    """Settles at once from the holder's balance, as a wallet does."""

    name: str = "purse"
    can: frozenset[str] = frozenset({"instant", "refund", "partial_refund", "keep"})

    def till(self, holder: str, currency: str) -> str:
        """Settle from what the site owes the holder."""
        return f"liabilities:purse:{holder}"

    def begin(self, intent: Intent, key: str) -> Step:
        """Say that it is paid; the ledger's bound has the last word."""
        charge = Movement(Kind.CHARGE, key, intent.amount.minor, intent.amount.currency, fee=0)
        return Settled(Facts(f"pu_{key}", State.PAID, (charge,), reference=intent.payment))


PURSE = {"liabilities:purse:": Bound(least=0)}


def charge(id: str, minor: int, currency: str = "EUR", **rest: Any) -> Movement:
    """Return a charge whose fee is known to be nothing."""
    return Movement(Kind.CHARGE, id, minor, currency, **{"fee": 0, **rest})


def paid(payment: Payment, *movements: Movement, **rest: Any) -> Facts:
    """Return the report that a payment is paid."""
    return Facts(f"si_{payment.id}", State.PAID, movements, **{"reference": payment.id, **rest})


@contextmanager
def plugged(*providers: Any, **hooks: Any) -> Iterator[list[str]]:
    """Run with these providers, and one plugin with these hooks, instead of the enabled ones."""
    module = ModuleType("written_in_a_test")
    for name, function in hooks.items():
        setattr(module, name, hookimpl(function))
    assert not caller.load([("test", module)])
    catalogue.clear()
    catalogue.providers.update({provider.name: provider for provider in providers})
    declare_bounds(PURSE)
    yield []
    caller.load([])
    catalogue.clear()


def changed(
    provider: StandIn, payment: Payment, *movements: Movement, state: State = State.PAID
) -> None:
    """Let the provider report more of a payment than before."""
    known = provider.facts.get(payment.id, Facts(f"si_{payment.id}", reference=payment.id))
    provider.facts[payment.id] = replace(known.join(Facts(known.ref, state, movements)))


def begun(provider: StandIn, *lines: Line) -> Payment:
    """Return the payment that a reader has begun."""
    order = checkout.start_order(READER, lines or (post_line(),))
    checkout.pay(order.id, provider.name, READER, "")
    return records.of_order(order.id)[0]


def settled(provider: StandIn, payment: Payment, *movements: Movement, **rest: Any) -> Payment:
    """Return a payment after a report that it is paid."""
    return checkout.settle(provider, payment.id, paid(payment, *movements, **rest))


def sold(provider: StandIn, *lines: Line) -> Payment:
    """Return the payment of an order that was paid in full."""
    payment = begun(provider, *lines)
    return settled(provider, payment, charge("ch", payment.amount.minor))


def dispute(id: str, minor: int, status: Status = Status.PENDING, fee: int = 0) -> Movement:
    """Return a dispute, open unless said otherwise."""
    return Movement(Kind.DISPUTE, id, minor, "EUR", status, fee)


def held(*accounts: str) -> list[int]:
    """Return what live accounts hold, in cents."""
    return [balance(account, "EUR").minor for account in accounts]


def taxed(label: str = "Post", minor: int = 122, tax: int = 22, first: int = 1) -> tuple[Line, ...]:
    """Return a line with its tax moved out of it by two lines that are part of it."""
    return (
        Line(label, eur(minor), "income:posts"),
        Line("VAT", eur(-tax), "income:posts", part_of=first),
        Line("VAT", eur(tax), "liabilities:vat:IT", part_of=first),
    )
