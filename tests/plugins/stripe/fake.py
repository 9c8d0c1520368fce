"""A stand-in for Stripe: its rules and its memory, without HTTP. Amounts in Stripe's units."""

from __future__ import annotations

import copy
import itertools
import json
import threading
import time
from typing import Any

import stripe

from tests.plugins.stripe.shapes import made

Thing = dict[str, Any]
OUTCOME = {
    "network_status": "approved_by_network", "reason": None, "risk_level": "normal",
    "seller_message": "Payment complete.", "type": "authorized", "advice_code": None,
    "network_advice_code": None, "network_decline_code": None,
}  # fmt: skip
LIFETIME_SECONDS = 86_400
PAYABLE = ("requires_payment_method", "requires_action", "requires_confirmation")


class NoError(Exception):
    """Stripe's no, with its status and what its JSON says."""

    def __init__(self, status: int, kind: str, code: str, **more: Any) -> None:
        super().__init__(code)
        self.status = status
        self.body = {"error": {"type": kind, "code": code, "message": f"It is {code}.", **more}}


def invalid(code: str) -> NoError:
    """Return a request's refusal."""
    return NoError(400, "invalid_request_error", code)


class FakeStripe:
    """Everything that Stripe knows of one account; each change makes the events of the real one."""

    def __init__(self) -> None:
        self.things: dict[str, Thing] = {}
        self.asked: dict[str, Thing] = {}
        self.events: list[Thing] = []
        self.lock = threading.RLock()
        self.url = ""
        self.late_fees: list[tuple[Thing, str]] | None = None  # a list: fees come after success
        self.settles_in = ""  # another currency, into which each charge is changed by half
        self._numbers = itertools.count(1)

    def new(self, kind: str, prefix: str, **fields: Any) -> Thing:
        """Keep a new object."""
        id = f"{prefix}_{next(self._numbers):012d}"
        known = set(made(kind))
        at = {"created": int(time.time())} if "created" in known else {}
        thing = made(kind, **(at | {"id": id} | fields))
        self.things[id] = thing
        return thing

    def event(self, kind: str, thing: Thing) -> None:
        """Write down what endpoints are told."""
        self.events.append(made(
            "event", id=f"evt_{next(self._numbers):012d}", type=kind, created=int(time.time()),
            api_version=stripe.api_version, data={"object": copy.deepcopy(thing)},
            pending_webhooks=1,
        ))  # fmt: skip

    def of_kind(self, kind: str, **fields: Any) -> list[Thing]:
        """Return the objects of a kind with these values, newest first."""
        return [
            one
            for one in reversed(self.things.values())
            if one["object"] == kind and all(one.get(k) == v for k, v in fields.items())
        ]

    def find(self, id: str) -> Thing:
        """Return an object. Raises NoError."""
        if id not in self.things:
            raise NoError(404, "invalid_request_error", "resource_missing")
        return self.things[id]

    def intent(self, sent: Thing) -> Thing:
        """Make a PaymentIntent."""
        intent = self.new(
            "payment_intent", "pi", amount=int(sent["amount"]), currency=sent["currency"],
            status="requires_payment_method", metadata=dict(sent.get("metadata", {})),
            capture_method=sent.get("capture_method", "automatic_async"),
            setup_future_usage=sent.get("setup_future_usage"), customer=sent.get("customer"),
            description=sent.get("description"), livemode=False, payment_method_types=["card"],
        )  # fmt: skip
        intent["client_secret"] = f"{intent['id']}_secret_stand_in"
        return intent

    def decline(
        self, intent: Thing, code: str = "card_declined", why: str = "insufficient_funds"
    ) -> None:
        """Let a bank say no."""
        problem = {"type": "card_error", "code": code, "decline_code": why, "message": "No."}
        intent.update(status="requires_payment_method", last_payment_error=problem)
        self.event("payment_intent.payment_failed", intent)

    def charge(self, intent: Thing, *, slow: bool = False, wallet: str = "") -> None:
        """Take, hold or begin to take the money of a payment."""
        card = {"brand": "visa", "last4": "4242", "wallet": {"type": wallet} if wallet else None}
        details = {"type": "sepa_debit"} if slow else {"type": "card", "card": card}
        charge = self.new(
            "charge", "ch", amount=intent["amount"], currency=intent["currency"], captured=False,
            amount_captured=0, amount_refunded=0, payment_intent=intent["id"], disputed=False,
            status="pending" if slow else "succeeded", paid=not slow, refunded=False,
            metadata=dict(intent["metadata"]), outcome=OUTCOME, livemode=False,
            payment_method_details=details, refunds=_list([]),
        )  # fmt: skip
        intent.update(latest_charge=charge["id"], last_payment_error=None)
        if intent["setup_future_usage"]:
            owner = intent["customer"] or self.new("customer", "cus")["id"]
            kept = self.new("payment_method", "pm", type="card", customer=owner)
            intent.update(payment_method=kept["id"], customer=owner)
        if slow:
            intent["status"] = "processing"
            self.event("payment_intent.processing", intent)
        elif intent["capture_method"] == "manual":
            intent.update(status="requires_capture", amount_capturable=intent["amount"])
            self.event("payment_intent.amount_capturable_updated", intent)
        else:
            self.settle(intent)

    def settle(self, intent: Thing) -> None:
        """Take the money of a payment for good."""
        charge, amount = self.things[intent["latest_charge"]], intent["amount"]
        charge.update(captured=True, amount_captured=amount, status="succeeded", paid=True)
        intent.update(status="succeeded", amount_received=amount, amount_capturable=0)
        fee = (amount * 150 + 5000) // 10000 + 25
        line = self.line("charge", amount, fee, intent["currency"], charge["id"])
        if self.late_fees is None:
            charge["balance_transaction"] = line["id"]
        else:
            self.late_fees.append((charge, line["id"]))
        self.event("payment_intent.succeeded", intent)
        if session := next(iter(self.of_kind("checkout.session", payment_intent=intent["id"])), {}):
            session["payment_status"] = "paid"

    def fees_arrive(self) -> None:
        """Write the lines of charges that had none yet."""
        for charge, line in self.late_fees or ():
            charge["balance_transaction"] = line
            self.event("charge.updated", charge)
        self.late_fees = []

    def line(self, category: str, amount: int, fee: int, currency: str, source: str) -> Thing:
        """Write a line of the account, changed into the currency of the balance."""
        into, rate = self.settles_in or currency, 1.0
        if into != currency:
            amount, fee, rate = amount // 2, fee // 2, 0.5
        return self.new(
            "balance_transaction", "txn", amount=amount, fee=fee, net=amount - fee, currency=into,
            reporting_category=category, source=source, type=LINE_TYPES.get(category, "charge"),
            exchange_rate=None if into == currency else rate, available_on=int(time.time()),
            balance_type="payments", status="available",
        )  # fmt: skip

    def refund(self, sent: Thing) -> Thing:
        """Give money back. Raises NoError for more than is left."""
        charge = self.find(sent.get("charge") or self.find(sent["payment_intent"])["latest_charge"])
        disputed = sum(one["amount"] for one in self.of_kind("dispute", charge=charge["id"])
                       if one["status"] != "won")  # fmt: skip
        left = charge["amount_captured"] - charge["amount_refunded"] - disputed
        amount = int(sent.get("amount", left))
        if disputed and amount > left:
            raise invalid("charge_disputed")
        if amount > left:
            raise invalid("charge_already_refunded")
        refund = self.new(
            "refund", "re", amount=amount, currency=charge["currency"], charge=charge["id"],
            payment_intent=charge["payment_intent"], status="succeeded",
            metadata=dict(sent.get("metadata", {})),
        )  # fmt: skip
        line = self.line("refund", -amount, 0, charge["currency"], refund["id"])
        refund["balance_transaction"] = line["id"]
        charge["amount_refunded"] += amount
        charge["refunds"]["data"].insert(0, refund)
        charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
        self.event("charge.refunded", charge)
        self.event("refund.created", refund)
        return refund

    def bounce(self, id: str) -> None:
        """Let a refund come back from the reader's bank."""
        refund = self.things[id]
        refund["status"] = "failed"
        line = self.line("refund_failure", refund["amount"], 0, refund["currency"], id)
        refund["failure_balance_transaction"] = line["id"]
        self.event("refund.failed", refund)

    def dispute(self, ref: str, amount: int, *, inquiry: bool = False) -> Thing:
        """Let a bank ask a charge back; an inquiry moves no money."""
        charge = self.things[self.intent_of(ref)["latest_charge"]]
        charge["disputed"] = True
        dispute = self.new(
            "dispute", "dp", amount=amount, charge=charge["id"], currency=charge["currency"],
            payment_intent=charge["payment_intent"], reason="fraudulent", metadata={},
            status="warning_needs_response" if inquiry else "needs_response",
        )  # fmt: skip
        self.event("charge.dispute.created", dispute)
        if not inquiry:
            taken = self.line("dispute", -amount, 2000, charge["currency"], dispute["id"])
            dispute["balance_transactions"].append(taken)
            self.event("charge.dispute.funds_withdrawn", dispute)
        return dispute

    def decide(self, id: str, verdict: str) -> None:
        """End a dispute."""
        dispute = self.things[id]
        dispute["status"] = verdict
        if verdict == "won":
            back = self.line("dispute_reversal", dispute["amount"], 0, dispute["currency"], id)
            dispute["balance_transactions"].append(back)
            self.event("charge.dispute.funds_reinstated", dispute)
        self.event("charge.dispute.closed", dispute)

    def warn(self, ref: str) -> None:
        """Let a card network call a charge a likely fraud."""
        intent = self.intent_of(ref)
        self.event("radar.early_fraud_warning.created", self.new(
            "radar.early_fraud_warning", "issfr", charge=intent["latest_charge"],
            payment_intent=intent["id"], actionable=True, fraud_type="misc",
        ))  # fmt: skip

    def pay_out(self) -> Thing:
        """Send what is on the account to the owner's bank."""
        every = self.of_kind("balance_transaction")
        lines = [one for one in every if one["id"] not in self.asked]
        total = sum(one["net"] for one in lines)
        payout = self.new(
            "payout", "po", amount=total, currency=lines[0]["currency"], automatic=True,
            status="paid", reconciliation_status="completed", arrival_date=int(time.time()),
            type="bank_account", method="standard", source_type="card",
        )  # fmt: skip
        own = self.line("payout", -total, 0, payout["currency"], payout["id"])
        for one in (*lines, own):
            self.asked[one["id"]] = {"payout": payout["id"]}
        return payout

    def intent_of(self, ref: str) -> Thing:
        """Return the PaymentIntent of a session, or of its own id."""
        return self.things[self.things[ref]["payment_intent"]] if ref.startswith("cs_") else (
            self.things[ref]
        )  # fmt: skip

    def person(self, ref: str, how: str) -> None:
        """Do what a person does on the page; what is impossible there does nothing."""
        with self.lock:
            session = self.things[ref]
            if session["object"] == "payment_intent":
                return self._pays_inline(session, how)
            if session["status"] != "open" or how == "cancel":
                return None
            if session["payment_intent"] is None:
                about = self.asked[ref].get("payment_intent_data", {})
                price = {"amount": session["amount_total"], "currency": session["currency"]}
                session["payment_intent"] = self.intent(about | price)["id"]
            intent = self.things[session["payment_intent"]]
            if how in ("decline", "3ds-no"):
                code = "card_declined" if how == "decline" else (
                    "payment_intent_authentication_failure"
                )  # fmt: skip
                self.decline(intent, code, "generic_decline")
            elif how == "3ds":
                intent["status"] = "requires_action"
            else:
                session["status"] = "complete"
                self.charge(intent, slow=how == "slow")
                self.event("checkout.session.completed", session)
            return None

    def _pays_inline(self, intent: Thing, how: str) -> None:
        if intent["status"] not in PAYABLE:
            return
        if how == "decline":
            self.decline(intent)
        else:
            self.charge(intent, slow=how == "slow", wallet="apple_pay")

    def finish_slow(self, ref: str, *, ok: bool = True) -> None:
        """Let the bank answer that has taken its time."""
        with self.lock:
            intent = self.intent_of(ref)
            if ok:
                self.settle(intent)
                return
            self.things[intent["latest_charge"]]["status"] = "failed"
            self.decline(intent, "debit_not_authorized", "debit_not_authorized")

    def expire(self, session: Thing) -> Thing:
        """End a visit to the page. Raises NoError when it is over."""
        if session["status"] != "open":
            raise invalid("session_not_open")
        session["status"] = "expired"
        if session["payment_intent"]:
            self.things[session["payment_intent"]]["status"] = "canceled"
        self.event("checkout.session.expired", session)
        return session

    def delivery(self, event: Thing, secret: str, at: int | None = None) -> tuple[str, bytes]:
        """Return the header and the body of a message, as Stripe's own package signs it."""
        body = json.dumps(event)
        sign = stripe.WebhookSignature.generate_signature_header
        return sign(body, secret, at), body.encode()


LINE_TYPES = {
    "charge": "charge", "refund": "refund", "refund_failure": "refund_failure",
    "dispute": "adjustment", "dispute_reversal": "adjustment", "payout": "payout",
    "fee": "stripe_fee",
}  # fmt: skip


def _list(data: list[Thing]) -> Thing:
    return {"object": "list", "data": data, "has_more": False, "url": "/"}
