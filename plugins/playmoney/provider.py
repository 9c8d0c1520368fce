"""The provider: asks the bank, and says in core's words what the bank reports."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, cast

import msgspec

from core import (
    Action,
    Cancel,
    Capture,
    ChargeSaved,
    Facts,
    Forged,
    Forget,
    Hint,
    Inbound,
    Inline,
    Intent,
    Kind,
    Money,
    Movement,
    Payment,
    Quote,
    Redirect,
    Refund,
    Settled,
    State,
    StatementLine,
    Status,
    Step,
)
from plugins.playmoney.bank import Wish
from plugins.playmoney.log import EPOCH, micros
from plugins.playmoney.prices import PRICES, charge_fee
from plugins.playmoney.reports import Report, Unreadable, read
from plugins.playmoney.signature import HEADER, verify
from plugins.playmoney.transports import Transport, origin

STATES = {
    "open": State.CUSTOMER,
    "declined": State.FAILED,
    "processing": State.BANK,
    "held": State.READY,
    "paid": State.PAID,
    "cancelled": State.CANCELLED,
    "expired": State.EXPIRED,
}
VERDICTS = {"pending": Status.PENDING, "won": Status.FAILED, "lost": Status.DONE}
LABEL = "Play money"
"""What core shows in the reader's language, by the plugin's catalogues."""
WEBHOOK = "/webhooks/playmoney"


class Event(msgspec.Struct):
    """What a message is read for: where to look. Its amounts and states are never read."""

    id: str
    payee: str
    reference: str
    ref: str


class PlayMoney:
    """Money that is none. `reach` returns the bank at each call, as the owner has set it now."""

    name = "playmoney"
    mode = "test"
    can = frozenset({"inline", "refund", "partial_refund", "hold", "save", "statement"})

    def __init__(self, reach: Callable[[], Transport], payee: str = "site") -> None:
        self.payee = payee
        self._reach = reach

    def till(self, holder: str, currency: str) -> str:
        """Settle from the bank's one account."""
        return "assets:playmoney"

    def quote(self, amount: Money, *, country: str) -> Quote | None:
        """Say what the price list takes; None for nothing, and for other currencies."""
        if amount.minor <= 0 or amount.currency not in PRICES:
            return None
        fee = Money(charge_fee(amount.minor, amount.currency), amount.currency)
        return Quote(LABEL, fee)

    def begin(self, intent: Intent, key: str) -> Step:
        """Start a payment and send the reader to the bank's page."""
        report = self._reach().begin(self._wish(intent, key))
        if report.standing == "cancelled":
            return Settled(facts_of(report))
        if intent.inline:
            return Inline(report.ref, {"pay": report.url})
        return Redirect(report.ref, report.url)

    def _wish(self, intent: Intent, key: str) -> Wish:
        site = origin(intent.return_url)
        return Wish(
            payee=self.payee, key=key, reference=intent.payment, minor=intent.amount.minor,
            currency=intent.amount.currency, description=intent.description,
            return_url=intent.return_url, webhook_url=site and site + WEBHOOK,
            language=intent.language, hold=intent.hold, save=intent.save,
        )  # fmt: skip

    def look_up(self, payment: Payment) -> Facts:
        """Report what the bank knows, found by the payment's own id; new when it knows nothing."""
        report = self._reach().look_up(self.payee, payment.id)
        return Facts(payment.ref or "") if report is None else facts_of(report)

    def act(self, payment: Payment, action: Action, key: str) -> Facts:
        """Do what is asked. What is paid, or being paid, stays so when it is cancelled."""
        bank = self._reach()
        match action:
            case Cancel():
                report = bank.cancel(self.payee, payment.id)
            case Capture():
                report = bank.capture(self.payee, payment.id)
            case ChargeSaved(intent=intent, saved=saved):
                report = bank.charge_saved(self._wish(intent, key), saved)
            case Forget():
                report = bank.forget(self.payee, payment.id)
            case Refund(amount=amount):
                report = bank.refund(self.payee, payment.id, key, amount)
        return facts_of(report)

    def statement(self, since: datetime, until: datetime) -> Iterable[StatementLine]:
        """Tell this site's account at the bank."""
        told = self._reach().account(self.payee, micros(since), micros(until))
        return [
            StatementLine(
                cast("Any", one.kind), one.id, EPOCH + timedelta(microseconds=one.at), one.minor,
                one.fee, one.currency, one.payout,
            )
            for one in told
        ]  # fmt: skip

    def hear(self, request: Inbound) -> Iterable[Hint]:
        """Check a message of the bank, and point where it points; nothing for another site's."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        verify(self._reach().secret, headers.get(HEADER.lower(), ""), request.body)
        try:
            event = read(request.body, Event)
        except Unreadable as error:
            raise Forged("This message of the bank cannot be read.") from error
        if event.payee != self.payee:
            return []
        return [Hint(event.id, reference=event.reference, ref=event.ref)]


def facts_of(report: Report) -> Facts:
    """Say in core's words what the bank reports."""
    movements: list[Movement] = []
    if charge := report.charge:
        movements.append(Movement(
            Kind.CHARGE, charge.id, charge.minor, charge.currency,
            Status.DONE if charge.done else Status.PENDING, charge.fee,
            None if charge.fee is None else charge.minor - charge.fee,
        ))  # fmt: skip
    movements += [
        Movement(Kind.REFUND, one.id, one.minor, one.currency, fee=0, asked=one.key)
        for one in report.refunds
    ]
    movements += [
        Movement(Kind.DISPUTE, one.id, one.minor, one.currency, VERDICTS[one.verdict], one.fee)
        for one in report.disputes
    ]
    return Facts(
        report.ref, STATES[report.standing], tuple(movements), reference=report.reference,
        payee=report.payee, mode=PlayMoney.mode, method="playmoney", failure=report.failure,
        saved=report.kept, saved_label=LABEL if report.kept else None,
    )  # fmt: skip
