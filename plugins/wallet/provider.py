"""The provider: what a reader spends comes out of what the site owes them, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable

from core import (
    Action,
    Cancel,
    Facts,
    Hint,
    Inbound,
    Intent,
    Kind,
    Money,
    Movement,
    Payment,
    ProviderRefused,
    Quote,
    Reader,
    Refund,
    Settled,
    State,
    Step,
    site_currency,
    site_mode,
)
from plugins.wallet.caps import room

LABEL = "Balance"
"""What core shows in the reader's language, by the plugin's catalogues."""


class Wallet:
    """A balance with this site: it makes no outside call, and the ledger's bound is its guard."""

    name = "wallet"
    can = frozenset({"instant", "refund", "partial_refund", "keep", "top_up"})
    payee = "site"

    @property
    def mode(self) -> str:
        """Play money while all that comes in is play money: the one never becomes the other."""
        return site_mode()

    def till(self, holder: str, currency: str) -> str:
        """Settle from what the site owes the holder."""
        return f"liabilities:wallet:{holder}"

    def quote(self, amount: Money, *, country: str) -> Quote | None:
        """Cost nothing: the fee was paid when the money came in. Core asks whether it is enough."""
        if amount.minor <= 0 or amount.currency != site_currency():
            return None
        return Quote(LABEL, Money(0, amount.currency), "instant")

    def room(self, reader: Reader, currency: str) -> Money:
        """Say how much more this reader may pay in now."""
        return room(reader, currency)

    def begin(self, intent: Intent, key: str) -> Step:
        """Say that it is paid; the transaction around it fails where the balance is too small."""
        charge = Movement(Kind.CHARGE, key, intent.amount.minor, intent.amount.currency, fee=0)
        return Settled(Facts(
            f"bal_{key}", State.PAID, (charge,), reference=intent.payment, payee=self.payee,
            mode=self.mode, method=self.name,
        ))  # fmt: skip

    def look_up(self, payment: Payment) -> Facts:
        """Know what core stored with the payment: nothing happens anywhere else."""
        return payment.facts

    def act(self, payment: Payment, action: Action, key: str) -> Facts:
        """Give back at once. What is paid stays paid when it is cancelled."""
        known = payment.facts
        if isinstance(action, Cancel):
            return known.join(Facts(known.ref, State.CANCELLED))
        if not isinstance(action, Refund):
            raise ProviderRefused("A balance is never held, so there is nothing to capture.")
        amount = action.amount
        back = Movement(Kind.REFUND, key, amount.minor, amount.currency, fee=0, asked=action.id)
        return known.join(Facts(known.ref, known.state, (back,)))

    def hear(self, request: Inbound) -> Iterable[Hint]:
        """Hear nothing: nobody outside knows of a balance."""
        return ()
