"""What core asks a paying method: a small protocol that returns data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from core.clock import now
from core.money import Money
from core.payments.facts import Facts
from core.payments.steps import Action, Hint, Inbound, Intent, Quote, Step


@dataclass(frozen=True, slots=True)
class Payment:
    """One try to pay one order by one provider; its id is also the provider's idempotency key.

    `hold` is empty, or `held` until somebody decides to `capture` or `release`. `save` asks to
    keep the method, `method` names the kept one that is charged; `back` is the reader's way back.
    """

    id: str
    order: str
    provider: str
    mode: str
    amount: Money
    ref: str | None = None
    facts: Facts = field(default_factory=lambda: Facts(""))
    wrong: str = ""
    created: datetime = field(default_factory=now)
    looks: int = 0
    hold: str = ""
    save: bool = False
    method: str = ""
    back: str = ""
    inline: bool = False


class Provider(Protocol):
    """The questions core asks a paying method. Answers are data; core alone writes.

    `begin`, `look_up` and `act` raise ProviderRefused or ProviderUnknown, and nothing else on
    purpose. `can` holds words such as instant, inline, refund, partial_refund, hold, save, keep,
    lend; one with `statement` is one of `Statements` too.
    """

    name: str
    can: frozenset[str]

    @property
    def mode(self) -> str:
        """Return live or test, as it is set now."""

    @property
    def payee(self) -> str:
        """Return who receives the money, as the provider calls them."""

    def till(self, holder: str, currency: str) -> str:
        """Return the ledger account that this provider settles from."""

    def quote(self, amount: Money, *, country: str) -> Quote | None:
        """Say what it would cost the site; None when the amount is not offered."""

    def begin(self, intent: Intent, key: str) -> Step:
        """Start a payment; the same key starts the same payment."""

    def look_up(self, payment: Payment) -> Facts:
        """Report the present truth, found by the payment's own id if there is no ref yet."""

    def act(self, payment: Payment, action: Action, key: str) -> Facts:
        """Capture, cancel or refund, once per key."""

    def hear(self, request: Inbound) -> Iterable[Hint]:
        """Verify a webhook, then only point. Raises Forged."""
