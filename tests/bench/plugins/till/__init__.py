"""What the benchmark sells, and who settles it: the least that a plugin of each kind can be."""

from __future__ import annotations

from collections.abc import Iterable

from core import (
    Action,
    Facts,
    Gate,
    Grant,
    Hint,
    Inbound,
    Intent,
    Kind,
    Line,
    Money,
    Movement,
    Offer,
    Payment,
    Quote,
    Settled,
    State,
    Step,
    hookimpl,
)

PREFIX = "bench:"
PRICE = 20


class Till:
    """Settles at once from a balance; it may fall far below nothing, so that none is filled."""

    name = "till"
    can = frozenset({"instant"})
    mode = "live"
    payee = "bench"

    def till(self, holder: str, currency: str) -> str:
        """Settle from the holder's own, bounded account, as a balance does."""
        return f"liabilities:till:{holder}"

    def quote(self, amount: Money, *, country: str) -> Quote | None:
        """Cost nothing."""
        return Quote("Till", Money(0, amount.currency))

    def begin(self, intent: Intent, key: str) -> Step:
        """Say that it is paid."""
        amount = intent.amount
        charge = Movement(Kind.CHARGE, f"ch_{key}", amount.minor, amount.currency, fee=0)
        return Settled(Facts(f"ti_{key}", State.PAID, (charge,), reference=intent.payment))

    def look_up(self, payment: Payment) -> Facts:
        """Know nothing beyond what `begin` said."""
        return payment.facts

    def act(self, payment: Payment, action: Action, key: str) -> Facts:
        """Do nothing."""
        return payment.facts

    def hear(self, request: Inbound) -> Iterable[Hint]:
        """Hear nothing."""
        return ()


@hookimpl
def register_provider() -> Till:
    """Offer the till."""
    return Till()


@hookimpl
def guard(resource: str) -> Gate | None:
    """Sell whatever the benchmark asks for."""
    if not resource.startswith(PREFIX):
        return None
    line = Line("Read this post", Money(PRICE, "EUR"), "income:posts", (Grant(resource),))
    return Gate(frozenset({resource}), lambda: (Offer("bench", "Read", (line,)),))
