"""The provider: asks Stripe, and reports what Stripe says is true."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from core import (
    Action,
    Cancel,
    Capture,
    ChargeSaved,
    Facts,
    Forget,
    Hint,
    Inbound,
    Inline,
    Intent,
    Money,
    Payment,
    ProviderRefused,
    ProviderUnknown,
    Quote,
    Redirect,
    Refund,
    Settled,
    State,
    StatementLine,
    Step,
    now,
)
from plugins.stripe import searching
from plugins.stripe.amounts import is_charged, to_stripe
from plugins.stripe.chosen import Chosen
from plugins.stripe.client import Declined, KeyUsed, Missing, ask
from plugins.stripe.messages import pointed
from plugins.stripe.objects import Method, PaymentIntent, Session
from plugins.stripe.objects import Refund as GivenBack
from plugins.stripe.prices import fee_of
from plugins.stripe.reports import ASKS_THE_READER, BURIED, PAYMENT, REFUND, SITE
from plugins.stripe.statement import lines

LABEL = "Card, Apple Pay, Google Pay"
"""What core shows in the reader's language, by the plugin's catalogues."""
KEY_LIVES = timedelta(days=1, hours=1)
"""Stripe keeps an idempotency key for at least a day: what it began is not older."""
LANGUAGES = ("en", "it")
ENDED = (State.CANCELLED, State.EXPIRED, State.FAILED, State.PAID)


class Stripe:
    """Cards and wallets. `reach` returns the settings at each call, as the owner has them now."""

    name = "stripe"
    can = frozenset({"inline", "refund", "partial_refund", "hold", "save", "statement"})

    def __init__(self, reach: Callable[[], Chosen]) -> None:
        self._reach = reach

    @property
    def mode(self) -> str:
        """Live or test, as the secret key is."""
        return self._reach().mode

    @property
    def payee(self) -> str:
        """The site's name at Stripe, which is written on all that it asks for."""
        return self._reach().site

    def till(self, holder: str, currency: str) -> str:
        """Settle from the account at Stripe."""
        return "assets:stripe"

    def quote(self, amount: Money, *, country: str) -> Quote | None:
        """Estimate the fee; None without a fitting key, and for what Stripe cannot charge."""
        chosen = self._reach()
        if not chosen.fits() or not is_charged(amount):
            return None
        return Quote(LABEL, fee_of(amount, chosen.price(country)))

    def begin(self, intent: Intent, key: str) -> Step:
        """Start a payment, on Stripe's own page or for the express button on the site's."""
        chosen = self._reach()
        chosen.refuse_misfits()
        try:
            if intent.inline:
                begun = _begin_inline(chosen, intent, key)
                return _inline(begun, chosen)
            options: Any = {"idempotency_key": key}
            create = chosen.services.v1.checkout.sessions.create
            session = ask(lambda: create(_visit(chosen, intent), options), Session)
        except KeyUsed:
            return self._begun_before(chosen, intent)
        return Redirect(session.id, session.url or "")

    def _begun_before(self, chosen: Chosen, intent: Intent) -> Step:
        """Go on with what this key began; it was let go meanwhile, or is said in other words."""
        found = searching.find(chosen, intent.payment, since=now() - KEY_LIVES)
        if found is None:
            raise ProviderUnknown("Stripe began a payment that it does not show yet.")
        facts = searching.facts_of(chosen, found, Facts(""))
        if facts.state in ENDED:
            return Settled(facts)
        wanted = (to_stripe(intent.amount), intent.amount.currency.lower())
        if isinstance(found, Session):
            if (found.amount_total, found.currency) == wanted and found.url:
                return Redirect(found.id, found.url)
        elif intent.inline and (found.amount, found.currency) == wanted:
            return _inline(found, chosen)
        raise ProviderRefused("This key has begun another payment.")

    def look_up(self, payment: Payment) -> Facts:
        """Report the present truth, found by core's id if there is no ref yet; new when unknown."""
        chosen = self._reach()
        try:
            found = self._found(chosen, payment)
        except Missing:
            if payment.ref:
                raise
            return Facts("")
        return searching.facts_of(chosen, found, payment.facts)

    def act(self, payment: Payment, action: Action, key: str) -> Facts:
        """Capture, cancel, refund, charge what is saved or forget it, once per key."""
        chosen = self._reach()
        match action:
            case ChargeSaved():
                chosen.refuse_misfits()
                return self._charge_saved(chosen, action, key)
            case Refund():
                self._give_back(chosen, payment, action, key)
            case Capture():
                self._capture(chosen, payment, key)
            case Forget():
                _detach(chosen, action.saved)
            case Cancel():
                return self._cancel(chosen, payment)
        return self.look_up(payment)

    def _capture(self, chosen: Chosen, payment: Payment, key: str) -> None:
        intent = searching.intent_of(self._found(chosen, payment))
        if intent is None:
            raise ProviderRefused("There is nothing to capture.")
        options: Any = {"idempotency_key": key}
        capture = chosen.services.v1.payment_intents.capture
        ask(lambda: capture(intent, {}, options), PaymentIntent)

    def _give_back(self, chosen: Chosen, payment: Payment, action: Refund, key: str) -> None:
        marks = {SITE: chosen.site, PAYMENT: payment.id, REFUND: action.id}
        wanted: Any = {
            "charge": action.charge, "amount": to_stripe(action.amount), "metadata": marks,
        }  # fmt: skip
        options: Any = {"idempotency_key": key}
        ask(lambda: chosen.services.v1.refunds.create(wanted, options), GivenBack)

    def _charge_saved(self, chosen: Chosen, action: ChargeSaved, key: str) -> Facts:
        customer, _, method = action.saved.partition("/")
        wanted: Any = _payment(chosen, action.intent) | {
            "customer": customer, "payment_method": method, "off_session": True, "confirm": True,
        }  # fmt: skip
        options: Any = {"idempotency_key": key}
        create = chosen.services.v1.payment_intents.create
        try:
            intent = ask(lambda: create(wanted, options), PaymentIntent)
        except Declined as no:
            if no.code != ASKS_THE_READER or not no.intent:
                raise
            found = searching.read(chosen, no.intent)
        else:
            found = searching.read(chosen, intent.id)
        return searching.facts_of(chosen, found, Facts(""))

    def _cancel(self, chosen: Chosen, payment: Payment) -> Facts:
        """Let a payment go; one that never began is buried, so that it can never begin."""
        try:
            found = self._found(chosen, payment)
        except Missing:
            found = _bury(chosen, payment)
        services = chosen.services.v1
        if isinstance(found, Session) and found.status == "open":
            ask(lambda: services.checkout.sessions.expire(found.id, {}), Session)
        elif intent := searching.open_intent(found):
            ask(lambda: services.payment_intents.cancel(intent, {}), PaymentIntent)
        return searching.facts_of(chosen, searching.read(chosen, found.id), payment.facts)

    def _found(self, chosen: Chosen, payment: Payment) -> Session | PaymentIntent:
        if payment.ref:
            return searching.read(chosen, payment.ref)
        found = searching.find(chosen, payment.id, since=payment.created)
        if found is None:
            raise Missing("Stripe knows no such payment.")
        return found

    def hear(self, request: Inbound) -> Iterable[Hint]:
        """Check a message of Stripe's, and point where it points; nothing for another site's."""
        chosen = self._reach()
        return pointed(chosen.secrets, chosen.site, request)

    def statement(self, since: datetime, until: datetime) -> Iterable[StatementLine]:
        """Return the lines of the account at Stripe, oldest first."""
        return lines(self._reach(), since, until)


def _payment(chosen: Chosen, intent: Intent) -> dict[str, Any]:
    """Return what every payment says: how much of what, for which payment of which site."""
    wanted: dict[str, Any] = {
        "amount": to_stripe(intent.amount), "currency": intent.amount.currency.lower(),
        "description": intent.description[:500], "metadata": marks_of(chosen, intent.payment),
    }  # fmt: skip
    if chosen.descriptor:
        wanted["statement_descriptor_suffix"] = chosen.descriptor
    if intent.hold:
        wanted["capture_method"] = "manual"
    if intent.save:
        wanted["setup_future_usage"] = "off_session"
    return wanted


def marks_of(chosen: Chosen, payment: str) -> dict[str, str]:
    """Return what the site writes on Stripe's objects, to know them again."""
    return {SITE: chosen.site, PAYMENT: payment}


def _visit(chosen: Chosen, intent: Intent) -> Any:
    """Return what a visit to Stripe's page is asked with: one line for the order, tax included.

    The same words each time, or Stripe would take the repeated key for another wish.
    """
    payment = _payment(chosen, intent)
    amount, currency = payment.pop("amount"), payment.pop("currency")
    price = {
        "currency": currency, "unit_amount": amount,
        "product_data": {"name": intent.description[:250] or "–"},
    }  # fmt: skip
    return {
        "mode": "payment", "ui_mode": "hosted_page", "client_reference_id": intent.payment,
        "adaptive_pricing": {"enabled": False}, "metadata": payment["metadata"],
        "line_items": [{"quantity": 1, "price_data": price}], "payment_intent_data": payment,
        "success_url": intent.return_url, "cancel_url": intent.return_url,
        "locale": intent.language if intent.language in LANGUAGES else "auto",
        "customer_creation": "always" if intent.save else "if_required",
    }  # fmt: skip


def _begin_inline(chosen: Chosen, intent: Intent, key: str) -> PaymentIntent:
    wanted: Any = _payment(chosen, intent) | {"automatic_payment_methods": {"enabled": True}}
    options: Any = {"idempotency_key": key}
    create = chosen.services.v1.payment_intents.create
    return ask(lambda: create(wanted, options), PaymentIntent)


def _inline(intent: PaymentIntent, chosen: Chosen) -> Inline:
    data = {"client_secret": intent.client_secret or "", "publishable_key": chosen.publishable}
    return Inline(intent.id, data)


def _detach(chosen: Chosen, saved: str) -> None:
    """Take a method from its customer. One that has none any more is what was wanted."""
    method = saved.partition("/")[2]
    try:
        ask(lambda: chosen.services.v1.payment_methods.detach(method), Method)
    except Missing:
        return
    except ProviderRefused:
        found = ask(lambda: chosen.services.v1.payment_methods.retrieve(method), Method)
        if found.customer is not None:
            raise


def _bury(chosen: Chosen, payment: Payment) -> Session | PaymentIntent:
    """Use up the key of a payment that never began, so that a late begin begins nothing."""
    wanted: Any = {
        "amount": to_stripe(payment.amount), "currency": payment.amount.currency.lower(),
        "metadata": marks_of(chosen, payment.id) | {BURIED: "1"},
    }  # fmt: skip
    options: Any = {"idempotency_key": payment.id}
    create = chosen.services.v1.payment_intents.create
    try:
        return ask(lambda: create(wanted, options), PaymentIntent)
    except KeyUsed as error:
        found = searching.find(chosen, payment.id, since=payment.created)
        if found is None:
            raise ProviderUnknown("Stripe began a payment that it does not show yet.") from error
        return found
