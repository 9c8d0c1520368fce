"""The provider: what a reader opens is added to what they owe, in one transaction."""

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
    order_of,
    owner_of,
    site_currency,
    site_mode,
)
from plugins.tab import debts

NAME = "tab"
LABEL = "On your tab, to be paid later"
"""What core shows in the reader's language, by the plugin's catalogues."""


class Tab:
    """A debt to this site: it makes no outside call, and what may be owed is its guard."""

    name = NAME
    can = frozenset({"instant", "refund", "partial_refund", "lend"})
    payee = "site"

    @property
    def mode(self) -> str:
        """Play money while all that settles it is play money: the one never pays the other."""
        return site_mode()

    def till(self, holder: str, currency: str) -> str:
        """Settle from what the holder owes the site."""
        return debts.FAMILY + holder

    def quote(self, amount: Money, *, country: str) -> Quote | None:
        """Cost nothing now: the fee comes with the payment that settles the tab."""
        if amount.minor <= 0 or amount.currency != site_currency():
            return None
        return Quote(LABEL, Money(0, amount.currency), "instant")

    def room(self, reader: Reader, currency: str) -> Money:
        """Say how much more this reader may owe now."""
        return debts.room(reader, currency)

    def owed(self, reader: Reader, currency: str) -> Money:
        """Say how much this reader owes."""
        return debts.owed_by(reader, currency)

    def begin(self, intent: Intent, key: str) -> Step:
        """Say that it is paid, if it fits on the tab. Raises Refused."""
        debts.put_on(intent.holder, intent.amount)
        charge = Movement(Kind.CHARGE, key, intent.amount.minor, intent.amount.currency, fee=0)
        return Settled(Facts(
            f"tab_{key}", State.PAID, (charge,), reference=intent.payment, payee=self.payee,
            mode=self.mode, method=self.name,
        ))  # fmt: skip

    def look_up(self, payment: Payment) -> Facts:
        """Know what core stored with the payment: nothing happens anywhere else."""
        return payment.facts

    def act(self, payment: Payment, action: Action, key: str) -> Facts:
        """Take something off the tab while it is still owed. Raises ProviderRefused."""
        known = payment.facts
        if isinstance(action, Cancel):
            return known.join(Facts(known.ref, State.CANCELLED))
        if not isinstance(action, Refund):
            raise ProviderRefused("A tab holds no money, so there is nothing to capture.")
        amount = action.amount
        owner = owner_of(order_of(payment.order).holder)
        if debts.owed_on(owner, amount.currency) < amount.minor:
            raise ProviderRefused("the tab was settled meanwhile, so nothing can come off it")
        back = Movement(Kind.REFUND, key, amount.minor, amount.currency, fee=0, asked=action.id)
        return known.join(Facts(known.ref, known.state, (back,)))

    def hear(self, request: Inbound) -> Iterable[Hint]:
        """Hear nothing: nobody outside knows of a tab."""
        return ()
