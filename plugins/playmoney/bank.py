"""A bank with play money: the rules of a redirect provider, over a log of its own. No HTTP here."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Literal, get_args

from core import Money, OboloError, now
from plugins.playmoney.faults import Faults
from plugins.playmoney.log import Log, Row, micros, new_id
from plugins.playmoney.prices import PRICES, charge_fee
from plugins.playmoney.reports import Dispute, Report, sum_up
from plugins.playmoney.signature import HEADER, sign
from plugins.playmoney.statement import Line, statement

Way = Literal["pay", "decline", "slow", "cancel", "abandon"]
"""What a person can do on the bank's page; abandoning it is to close the window."""
WAYS: tuple[Way, ...] = get_args(Way)

EVENTS = {
    "charged": "payment.paid",
    "held": "payment.held",
    "declined": "payment.declined",
    "slow": "payment.processing",
    "cancelled": "payment.cancelled",
    "refunded": "refund.done",
    "disputed": "dispute.opened",
    "won": "dispute.won",
    "lost": "dispute.lost",
}
"""What a site is told of, and how the message calls it."""

ASKS_ABOVE = 5000
"""Above so many minor units the bank charges a kept method only while the person is there."""

UNFINISHED = """
kind = 'slow' AND NOT EXISTS
(SELECT 1 FROM happened AS later WHERE later.kind = 'charged' AND later.ref = happened.ref)
"""


class BankRefused(OboloError):
    """The bank says no, and nothing happened."""

    status = 409


class UnknownPayment(OboloError):
    """The bank has never heard of this payment."""

    status = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a site asks the bank to collect; `key` makes it one payment however often it is asked.

    `payee` is the site at the bank, `reference` its own id of the payment, `minor` in minor units.
    """

    payee: str
    key: str
    reference: str
    minor: int
    currency: str
    description: str
    return_url: str
    webhook_url: str = ""
    language: str = "en"
    hold: bool = False
    save: bool = False


SHOWN = ("description", "return_url", "webhook_url", "language", "hold", "save")
"""The parts of a wish that its first row keeps."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message to a site, signed now: `event` tells messages apart, `number` orders them."""

    number: int
    event: str
    url: str
    headers: dict[str, str]
    body: bytes


class Bank:
    """Everything the bank does. Each step is on the disk before it is answered.

    `secret` signs the messages; without one the bank makes its own and keeps it in the log.
    A payment that nobody finishes within `lifetime` can no longer be paid.
    """

    def __init__(
        self, path: Path, *, secret: bytes = b"", lifetime: timedelta = timedelta(days=1)
    ) -> None:
        self.log = Log(path)
        self.faults = Faults()
        self.lifetime = lifetime
        self._given_secret = secret

    @cached_property
    def secret(self) -> bytes:
        """What signs the messages of this bank."""
        if self._given_secret:
            return self._given_secret
        with self.log.writing():
            if not self.log.read("kind = 'opened'"):
                about = {"secret": secrets.token_hex(32)}
                self.log.add(Row(kind="opened", ref="", id=new_id("op"), about=about))
        return bytes.fromhex(self.log.read("kind = 'opened'")[0].about["secret"])

    def begin(self, wish: Wish) -> Report:
        """Start a payment, once per key. Raises BankRefused for another wish under a used key."""
        if wish.minor <= 0 or wish.currency not in PRICES:
            raise BankRefused("The bank does not take this amount.")
        with self.log.writing():
            rows = self._first(wish.payee, wish.reference) + self._begun_by(wish.payee, wish.key)
            if any(row.kind == "begun" and not _same(row, wish) for row in rows):
                raise BankRefused("This key was used for another payment.")
            ref = rows[0].ref if rows else new_id("pm")
            if not rows:
                about = {name: getattr(wish, name) for name in SHOWN}
                self.log.add(Row(
                    kind="begun", ref=ref, payee=wish.payee, reference=wish.reference,
                    id=new_id("be"), key=wish.key, minor=wish.minor, currency=wish.currency,
                    about=about | {"expires": micros(now() + self.lifetime)},
                ))  # fmt: skip
        return self.report(ref)

    def find(self, payee: str, name: str) -> Report:
        """Return a site's payment, by its own reference or by the bank's. Raises UnknownPayment."""
        rows = self._first(payee, name) or self.log.read(
            "ref = ? AND payee = ? AND kind IN ('begun', 'buried')", [name, payee]
        )
        if not rows:
            raise UnknownPayment("There is no such payment.")
        return self.report(rows[0].ref)

    def cancel(self, payee: str, reference: str) -> Report:
        """Let a payment go, if it can still go; one that was never begun can then never begin."""
        with self.log.writing():
            rows = self._first(payee, reference)
            if not rows:
                ref = new_id("pm")
                self.log.add(Row(
                    kind="buried", ref=ref, payee=payee, reference=reference, id=new_id("bu"),
                ))  # fmt: skip
                return self.report(ref)
            known = self.report(rows[0].ref)
            if known.standing in ("open", "declined", "held"):
                self._add("cancelled", known, "ca")
        return self.report(known.ref)

    def refund(self, payee: str, reference: str, key: str, amount: Money) -> Report:
        """Give money back, once per key and never more than is left. Raises BankRefused."""
        with self.log.writing():
            known = self.find(payee, reference)
            before = next((one for one in known.refunds if one.key == key), None)
            if before is None:
                self._check_left(known, amount)
                self._add("refunded", known, "re", key=key, amount=amount)
            elif (before.minor, before.currency) != (amount.minor, amount.currency):
                raise BankRefused("This key was used for another refund.")
        return self.report(known.ref)

    def pay(
        self, ref: str, how: Way, *, slow_seconds: float = 3.0, instead: Money | None = None
    ) -> Report:
        """Do what a person chose on the page. Raises BankRefused when there is nothing to pay.

        `slow_seconds` is how long a slow payment takes. `instead` charges another amount than was
        asked, as a bank does that errs.
        """
        if instead is not None and instead.currency not in PRICES:
            raise BankRefused("The bank does not take this amount.")
        with self.log.writing():
            known = self.report(ref)
            if how == "abandon":
                self._add("abandoned", known, "ab")
            elif not known.payable:
                raise BankRefused("This payment can no longer be paid.")
            elif how == "pay" and known.hold:
                self._add("held", known, "ho")
            elif how == "pay":
                self._charge(known, new_id("ch"), instead or Money(known.minor, known.currency))
            elif how == "slow" and known.hold:
                raise BankRefused("A slow payment cannot be held.")
            elif how == "slow":
                due = micros(now() + timedelta(seconds=slow_seconds))
                about = {"charge": new_id("ch"), "due": due}
                amount = instead or Money(known.minor, known.currency)
                self._add("slow", known, "sl", amount=amount, about=about)
            else:
                self._add("declined" if how == "decline" else "cancelled", known, "an")
        return self.report(ref)

    def capture(self, payee: str, reference: str) -> Report:
        """Take the money that is held, once. Raises BankRefused when nothing is held."""
        with self.log.writing():
            known = self.find(payee, reference)
            if known.standing == "held":
                self._charge(known, new_id("ch"), Money(known.minor, known.currency))
            elif known.charge is None:
                raise BankRefused("Nothing is held for this payment.")
        return self.report(known.ref)

    def charge_saved(self, wish: Wish, token: str) -> Report:
        """Charge a method that a person let this site keep, once per key.

        Above ASKS_ABOVE the bank wants the person to be there. Raises BankRefused for a token of
        nobody, and what `begin` raises.
        """
        kept = self.log.read("id = ? AND payee = ? AND kind = 'kept'", [token, wish.payee])
        if not kept or self.report(kept[0].ref).kept is None:
            raise BankRefused("This method is not kept here.")
        with self.log.writing():
            known = self.begin(wish)
            if known.standing == "open" and known.minor > ASKS_ABOVE:
                self._add("asked", known, "as")
            elif known.standing == "open" and not known.asks:
                self._charge(known, new_id("ch"), Money(known.minor, known.currency))
        return self.report(known.ref)

    def forget(self, payee: str, reference: str) -> Report:
        """Forget the method that a person let this site keep by a payment."""
        with self.log.writing():
            known = self.find(payee, reference)
            if known.kept is not None:
                self._add("forgot", known, "fo")
        return self.report(known.ref)

    def pay_out(self, payee: str) -> None:
        """Send what a site has earned since the last time to its bank, by currency."""
        with self.log.writing():
            for currency in PRICES:
                rest = sum(
                    one.minor - one.fee
                    for one in statement(self.log, payee)
                    if one.currency == currency
                )
                if rest > 0:
                    self.log.add(Row(
                        kind="paid_out", ref="", payee=payee, id=new_id("po"), minor=rest,
                        currency=currency,
                    ))  # fmt: skip

    def account(self, payee: str, since: int, until: int) -> list[Line]:
        """Return a site's account between two instants (microseconds UTC), oldest first."""
        return [one for one in statement(self.log, payee) if since <= one.at < until]

    def dispute(self, ref: str, minor: int) -> Dispute:
        """Take money back for the person's bank until it is decided. Raises BankRefused."""
        with self.log.writing():
            known = self.report(ref)
            amount = Money(minor, known.charge.currency if known.charge else known.currency)
            self._check_left(known, amount)
            about = {"fee": PRICES[amount.currency].dispute}
            self._add("disputed", known, "dp", amount=amount, about=about)
        return self.report(ref).disputes[-1]

    def decide(self, dispute: str, verdict: Literal["won", "lost"]) -> Dispute:
        """End a dispute; one that the site won gives the money back, but not the fee."""
        with self.log.writing():
            rows = self.log.read("kind = 'disputed' AND id = ?", [dispute])
            if not rows:
                raise UnknownPayment("There is no such dispute.")
            if self.log.read("key = ? AND kind IN ('won', 'lost')", [dispute]):
                raise BankRefused("This dispute is decided.")
            amount = Money(rows[0].minor, rows[0].currency)
            self._add(verdict, self.report(rows[0].ref), "ve", key=dispute, amount=amount)
        return next(one for one in self.report(rows[0].ref).disputes if one.id == dispute)

    def report(self, ref: str) -> Report:
        """Return how a payment stands now, by the bank's own reference. Raises UnknownPayment."""
        rows = self.log.read("ref = ?", [ref])
        if not rows:
            raise UnknownPayment("There is no such payment.")
        at = micros(now())
        known = sum_up(rows, at)
        slow = next((row for row in rows if row.kind == "slow"), None)
        if known.standing == "processing" and slow and slow.about["due"] <= at:
            self._finish(slow)
            return sum_up(self.log.read("ref = ?", [ref]), at)
        return known

    def charges(self) -> list[Row]:
        """Return all charges ever made, oldest first: what a site's books are judged by."""
        return self.log.read("kind = 'charged'")

    def finish_slow(self, *, early: bool = False) -> None:
        """Turn the slow payments that are due into charges; `early` those that are not due too."""
        at = micros(now())
        for row in self.log.read(UNFINISHED):
            if early or row.about["due"] <= at:
                self._finish(row)

    def deliveries(self, after: int = 0) -> list[Delivery]:
        """Return the messages about what happened after a number, each signed now."""
        self.finish_slow()
        marks = ", ".join("?" * len(EVENTS))
        return [
            self._delivery(row)
            for row in self.log.read(f"number > ? AND kind IN ({marks})", [after, *EVENTS])
        ]

    def _delivery(self, row: Row) -> Delivery:
        known = sum_up(self.log.read("ref = ? AND number <= ?", [row.ref, row.number]), row.at)
        body = json.dumps({
            "id": f"evt_{row.id}", "type": EVENTS[row.kind], "created": row.at // 1_000_000,
            "payee": row.payee, "reference": row.reference, "ref": row.ref,
            "amount": row.minor, "currency": row.currency, "standing": known.standing,
        }).encode()  # fmt: skip
        headers = {"Content-Type": "application/json", HEADER: sign(self.secret, body, now())}
        return Delivery(row.number, f"evt_{row.id}", known.webhook_url, headers, body)

    def note_delivery(self, delivery: Delivery, status: int) -> None:
        """Write down how a site answered a message; 0 for no answer."""
        with self.log.writing():
            self.log.add(Row(
                kind="delivered", ref="", id=new_id("de"), key=delivery.event, minor=status,
            ))  # fmt: skip

    def _first(self, payee: str, reference: str) -> list[Row]:
        where = "payee = ? AND reference = ? AND kind IN ('begun', 'buried')"
        return self.log.read(where, [payee, reference])

    def _begun_by(self, payee: str, key: str) -> list[Row]:
        return self.log.read("payee = ? AND key = ? AND kind = 'begun'", [payee, key])

    def _check_left(self, known: Report, amount: Money) -> None:
        currency = known.charge.currency if known.charge else ""
        if not 0 < amount.minor <= known.left or amount.currency != currency:
            raise BankRefused("There is not that much left of this payment.")

    def _charge(self, known: Report, id: str, amount: Money) -> None:
        fee = charge_fee(amount.minor, amount.currency)
        self._add("charged", known, id=id, amount=amount, about={"fee": fee})
        if known.save:
            self._add("kept", known, "me")

    def _finish(self, slow: Row) -> None:
        with self.log.writing():
            if not self.log.read("ref = ? AND kind = 'charged'", [slow.ref]):
                known = sum_up(self.log.read("ref = ?", [slow.ref]), micros(now()))
                self._charge(known, slow.about["charge"], Money(slow.minor, slow.currency))

    def _add(
        self, kind: str, known: Report, prefix: str = "", *, id: str = "", key: str = "",
        amount: Money | None = None, about: Mapping[str, object] | None = None,
    ) -> None:  # fmt: skip
        self.log.add(Row(
            kind=kind, ref=known.ref, payee=known.payee, reference=known.reference,
            id=id or new_id(prefix), key=key, minor=amount.minor if amount else known.minor,
            currency=amount.currency if amount else known.currency, about=about or {},
        ))  # fmt: skip


def _same(row: Row, wish: Wish) -> bool:
    """Tell whether a key is used for the same payment; the site's own address may have changed."""
    asked = (wish.payee, wish.reference, wish.minor, wish.currency)
    return asked == (row.payee, row.reference, row.minor, row.currency)
