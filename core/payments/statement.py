"""A provider's own account, line by line: what the books are compared with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

from core.money import Money

LineKind = Literal["charge", "refund", "dispute", "payout", "exchange", "fee", "other"]


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One line of a provider's account with the site: amounts in minor units of `currency`.

    `minor` is what the line did to the balance before its own fee, with its sign: a charge above
    zero, a refund, a payout or a fee of no movement below; what comes back of a payout or a
    dispute is a line of the same id above zero. `fee`, never below zero, was taken besides. `id`
    is the movement's as in the facts, the payout's, or the exchange's, of which there is one line
    for each currency. `currency` is the balance's: of what was exchanged on its way, the settled
    one. `payout` is the id of the payout that paid the line out, None while nothing did. `words`
    say to the owner what the provider calls it.
    """

    kind: LineKind
    id: str
    at: datetime
    minor: int
    fee: int
    currency: str
    payout: str | None = None
    words: str = ""

    @property
    def to_bank(self) -> Money:
        """What a payout brought to the bank; below zero what came back from there."""
        return Money(-self.minor, self.currency)


@runtime_checkable
class Statements(Protocol):
    """A provider that tells its own account; its `can` holds `statement`."""

    def statement(self, since: datetime, until: datetime) -> Iterable[StatementLine]:
        """Return the lines from `since` on and before `until`, whole, oldest first.

        Leaves out what is known to belong to another site. Raises ProviderRefused or
        ProviderUnknown.
        """
