"""The provider: Orders v2, captured once, and PayPal's answers in core's words."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from core import (
    Action,
    Cancel,
    Capture,
    Facts,
    Hint,
    Inbound,
    Intent,
    Money,
    Payment,
    ProviderRefused,
    ProviderUnknown,
    Quote,
    Redirect,
    Refund,
    Refused,
    Settled,
    State,
    StatementLine,
    Step,
    check_mode,
    now,
    transaction,
)
from plugins.paypal import amounts, messages, records, reports, requests, statement
from plugins.paypal.amounts import Fees
from plugins.paypal.records import Kept
from plugins.paypal.wire import Json, PayPalRefused, Wire, path_id

LABEL = "PayPal"
ORDERS = "/v2/checkout/orders"
KEY_LIFE = timedelta(hours=5)
"""PayPal remembers the key of an order for six hours; later the same key would make another."""
NOT_YET = frozenset({"ORDER_NOT_APPROVED", "PAYER_ACTION_REQUIRED"})
NOT_ALLOWED = 403
NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Site:
    """What the owner has set: how PayPal is reached, and what it takes of a charge."""

    wire: Wire
    webhook: str
    live: bool
    merchant: str
    fees: Fees | None
    brand: str


class PayPal:
    """Money by PayPal. `reach` returns what the owner has set at each call."""

    name = "paypal"
    can = frozenset({"refund", "partial_refund", "statement"})

    def __init__(self, reach: Callable[[], Site | None]) -> None:
        self._reach = reach

    @property
    def mode(self) -> str:
        """Live, or test in PayPal's sandbox."""
        site = self._reach()
        return "live" if site and site.live else "test"

    @property
    def payee(self) -> str:
        """The merchant id that orders must be made out to; empty while nobody set it."""
        site = self._reach()
        return site.merchant if site else ""

    def till(self, holder: str, currency: str) -> str:
        """Settle from the balance at PayPal."""
        return "assets:paypal"

    def quote(self, amount: Money, *, country: str) -> Quote | None:
        """Say what the owner's fee table takes; None until PayPal and the fees are set.

        A fee that nobody knows cannot be held against the price, so nothing is offered without it.
        """
        site = self._reach()
        if site is None or site.fees is None or not amounts.fits(amount) or not self._fits():
            return None
        fee = site.fees.of_charge(amount)
        return None if fee is None else Quote(LABEL, fee)

    def begin(self, intent: Intent, key: str) -> Step:
        """Make an order and send the reader to PayPal's page; the same key is the same order."""
        self._refuse_misfits()
        site = self._site()
        with transaction():
            kept = records.keep(intent.payment, intent.amount, requests.order(intent, site.brand))
        if kept.cancelled:
            return Settled(_ended(kept, State.CANCELLED, self.mode))
        if kept.amount != intent.amount:
            raise ProviderRefused("This key was used for another payment.")
        kept = kept if kept.order else self._make(site, kept)
        return Redirect(kept.order, kept.url)

    def _fits(self) -> bool:
        try:
            self._refuse_misfits()
        except ProviderRefused:
            return False
        return True

    def _refuse_misfits(self) -> None:
        """Raise ProviderRefused for keys that do not belong on this site."""
        try:
            check_mode(self.mode)
        except Refused as error:
            raise ProviderRefused(error.message) from error

    def _make(self, site: Site, kept: Kept) -> Kept:
        answer = site.wire.post(ORDERS, kept.request, kept.id)
        order, url = path_id(str(answer.get("id"))), requests.page_of(answer)
        with transaction():
            records.begun(kept.id, order, url)
        return records.find(kept.id) or kept

    def look_up(self, payment: Payment) -> Facts:
        """Report what PayPal knows; an order whose answer was lost is asked for again.

        After the key's life that would be a second order. The first was shown to nobody, so nobody
        can pay it: it has expired.
        """
        site, kept = self._site(), records.find(payment.id)
        if kept is None:
            return Facts(payment.ref or "")
        if not kept.order:
            if kept.cancelled:
                return _ended(kept, State.CANCELLED, self.mode)
            if kept.created + KEY_LIFE < now():
                return _ended(kept, State.EXPIRED, self.mode)
            kept = self._make(site, kept)
        order = self._order(site, kept)
        if order is None:
            return _ended(kept, State.EXPIRED, self.mode)
        return self._facts(site, order, kept, self._disputes(site, order))

    def act(self, payment: Payment, action: Action, key: str) -> Facts:
        """Capture, cancel or refund, once per key."""
        kept = records.find(payment.id)
        if isinstance(action, Cancel):
            return self._cancel(payment, kept)
        if kept is None or not kept.order:
            raise ProviderRefused("PayPal knows nothing of this payment yet.")
        if isinstance(action, Capture):
            return self._capture(kept, key)
        if isinstance(action, Refund):
            path = f"/v2/payments/captures/{path_id(action.charge)}/refund"
            answer = self._site().wire.post(path, requests.refund(action.id, action.amount), key)
            if "amount" in answer and amounts.read(answer["amount"]) != action.amount:
                raise ProviderRefused("This key was used for another refund.")
            return self.look_up(payment)
        raise ProviderRefused("PayPal keeps no method to be charged later here.")

    def _cancel(self, payment: Payment, kept: Kept | None) -> Facts:
        """Note that nothing is captured any more: PayPal has no call that ends an order.

        What was approved and is never captured lapses there. It is read again after the note, for
        a capture may have been under way.
        """
        if kept is not None and kept.order:
            facts = self.look_up(payment)
            if facts.state in (State.PAID, State.BANK):
                return facts
        with transaction():
            records.cancel(payment.id, payment.amount)
        return self.look_up(payment)

    def left(self, id: str, order: str) -> str | None:
        """Note that the reader left PayPal's page by its way back; return where they came from.

        Only whoever knows PayPal's id of the order is believed; None for anybody else.
        """
        kept = records.find(id)
        if kept is None or not order or kept.order != order:
            return None
        if not kept.cancelled:
            with suppress(ProviderRefused, ProviderUnknown):
                payment = Payment(kept.id, "", self.name, self.mode, kept.amount, ref=order)
                self._cancel(payment, kept)
        return requests.return_path(kept.request)

    def _capture(self, kept: Kept, key: str) -> Facts:
        """Take what was approved; one that is taken already is read, one that fails has failed."""
        if kept.cancelled:
            raise ProviderRefused("This payment was let go.")
        site = self._site()
        try:
            site.wire.post(f"{ORDERS}/{path_id(kept.order)}/capture", {}, key)
        except PayPalRefused as error:
            if error.status_code == NOT_ALLOWED:
                raise
            if error.issue not in {"ORDER_ALREADY_CAPTURED", *NOT_YET} and kept.failure == "":
                with transaction():
                    records.fail(kept.id, error.issue)
        kept = records.find(kept.id) or kept
        order = self._order(site, kept)
        if order is None:
            return _ended(kept, State.EXPIRED, self.mode)
        disputes = self._disputes(site, order) if reports.refunds_of(order) else []
        return self._facts(site, order, kept, disputes)

    @staticmethod
    def _order(site: Site, kept: Kept) -> Json | None:
        """Return an order; None when it has lapsed."""
        try:
            return site.wire.get(f"{ORDERS}/{path_id(kept.order)}")
        except PayPalRefused as error:
            if error.status_code == NOT_FOUND:
                return None
            raise

    @staticmethod
    def _disputes(site: Site, order: Json) -> list[Json]:
        """Return the disputes about what was captured; none where the app may not read them."""
        found: list[Json] = []
        for capture in reports.captures_of(order):
            if not reports.may_be_disputed(capture):
                continue
            query = f"disputed_transaction_id={path_id(str(capture['id']))}"
            try:
                listed = site.wire.get(f"/v1/customer/disputes?{query}").get("items") or []
            except PayPalRefused as error:
                if error.status_code in (NOT_ALLOWED, NOT_FOUND):
                    continue
                raise ProviderUnknown("PayPal does not say what is disputed.") from error
            ids = [path_id(str(one.get("dispute_id"))) for one in listed]
            found += [site.wire.get(f"/v1/customer/disputes/{id}") for id in ids]
        return found

    def _facts(self, site: Site, order: Json, kept: Kept, disputes: list[Json]) -> Facts:
        return reports.facts_of(order, kept, disputes, mode=self.mode, payee=site.merchant)

    def hear(self, request: Inbound) -> Iterable[Hint]:
        """Check a message by asking PayPal about it, and point where it points."""
        site = self._site()
        return messages.hear(request, site.wire, site.webhook)

    def statement(self, since: datetime, until: datetime) -> Iterable[StatementLine]:
        """Return what moved in the balance at PayPal, where the app may search transactions."""
        return statement.lines(self._site().wire, since, until)

    def _site(self) -> Site:
        site = self._reach()
        if site is None:
            raise ProviderUnknown("PayPal is not set up yet.")
        return site


def _ended(kept: Kept, state: State, mode: str) -> Facts:
    """Report a payment of which PayPal has nothing to tell."""
    return Facts(kept.order, state, reference=kept.id, mode=mode, failure=kept.failure or None)
