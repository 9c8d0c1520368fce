"""The provider: says where to pay, and reports what staff confirmed of the bank's statement."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from core import (
    Action,
    Cancel,
    Facts,
    Forged,
    Hint,
    Inbound,
    Instructions,
    Intent,
    Kind,
    Money,
    Movement,
    Payment,
    ProviderRefused,
    Quote,
    Refund,
    Settled,
    State,
    Status,
    Step,
    transaction,
)
from plugins.banktransfer import qr, records
from plugins.banktransfer.accounts import Account
from plugins.banktransfer.records import Back, Transfer
from plugins.banktransfer.words import instructions

LABEL = "Bank transfer"
PAGE = "/x/banktransfer/"
STATUSES = {"asked": Status.PENDING, "done": Status.DONE}


class BankTransfer:
    """Money by bank transfer. `reach` returns the account as the owner has set it now."""

    name = "banktransfer"
    mode = "live"
    can = frozenset({"refund", "partial_refund"})

    def __init__(self, reach: Callable[[], Account | None]) -> None:
        self._reach = reach

    @property
    def payee(self) -> str:
        """The IBAN to which readers pay."""
        account = self._reach()
        return account.iban if account else ""

    def till(self, holder: str, currency: str) -> str:
        """Settle from the account at the bank."""
        return "assets:bank"

    def quote(self, amount: Money, *, country: str) -> Quote | None:
        """Offer euro from the least amount on; a transfer costs no fee."""
        account = self._reach()
        if account is None or amount.currency != qr.CURRENCY or amount.minor > qr.MOST_MINOR:
            return None
        if amount.minor < max(account.least, 1):
            return None
        return Quote(LABEL, Money(0, amount.currency), kind="transfer")

    def begin(self, intent: Intent, key: str) -> Step:
        """Ask for a transfer under a reference of its own, and say how it is made."""
        account = self._reach()
        known = records.find(intent.payment)
        if known is not None and known.state == "cancelled":
            return Settled(self._facts(known))
        if account is None:
            raise ProviderRefused("The bank account is not set up.")
        if known is not None and known.amount != intent.amount:
            raise ProviderRefused("This key was used for another payment.")
        with transaction():
            kept = records.keep(intent, urlsplit(intent.return_url).path, account.days)
        lines = instructions(kept, account)
        return Instructions(kept.reference, lines, url=f"{PAGE}{kept.id}", until=kept.until)

    def look_up(self, payment: Payment) -> Facts:
        """Report what is known of a transfer; new when it was never asked for."""
        known = records.find(payment.id)
        return Facts(payment.ref or "") if known is None else self._facts(known)

    def act(self, payment: Payment, action: Action, key: str) -> Facts:
        """Let a transfer go, or note a refund that staff send by hand."""
        if isinstance(action, Cancel):
            with transaction():
                records.bury(payment.id, payment.amount)
        elif isinstance(action, Refund):
            with transaction():
                self._note(payment, action)
        else:
            raise ProviderRefused("A transfer is never held, so there is nothing to capture.")
        return self.look_up(payment)

    def _note(self, payment: Payment, action: Refund) -> None:
        came = sum(money.minor for _, money in records.paid(payment.id))
        before = records.backs(payment.id)
        taken = sum(one.amount.minor for one in before if one.id != action.id)
        if action.amount.minor > came - taken:
            raise ProviderRefused("So much did not come in.")
        if records.ask_back(action.id, payment.id, action.amount).amount != action.amount:
            raise ProviderRefused("This key was used for another refund.")

    def hear(self, request: Inbound) -> Iterable[Hint]:
        """Believe nobody: a bank sends no messages."""
        raise Forged("Banks send no messages to this site.")

    def _facts(self, kept: Transfer) -> Facts:
        """Say what lines and refunds come to; what came in counts, whatever was noted before."""
        came = records.paid(kept.id)
        movements = [_charge(id, money) for id, money in came]
        movements += [_back(one) for one in records.backs(kept.id)]
        reference = kept.reference if not kept.reference.startswith("-") else ""
        return Facts(
            reference, _state(kept, bool(came)), tuple(movements), reference=kept.id,
            payee=self.payee, mode=self.mode, method="transfer", failure=kept.failure or None,
        )  # fmt: skip


def _state(kept: Transfer, has_come: bool) -> State:  # noqa: FBT001 - what was counted
    if has_come:
        return State.PAID
    if kept.state != "open":
        return State.CANCELLED if kept.state == "cancelled" else State.FAILED
    return State.BANK if records.is_seen(kept.id) else State.CUSTOMER


def _charge(id: str, money: Money) -> Movement:
    return Movement(Kind.CHARGE, id, money.minor, money.currency, fee=0, net=money.minor)


def _back(one: Back) -> Movement:
    money = one.amount
    return Movement(
        Kind.REFUND, one.id, money.minor, money.currency, STATUSES[one.state], 0, asked=one.id
    )
