"""What PayPal remembers: orders, captures, refunds, disputes, messages. No HTTP here."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

Json = dict[str, Any]
CENT = Decimal("0.01")


class Refusal(Exception):
    """A 4xx with PayPal's word for it."""

    def __init__(self, status: int, issue: str) -> None:
        super().__init__(issue)
        self.status, self.issue = status, issue


def fee_of(amount: Json) -> Decimal:
    """Return what this PayPal takes: 3.40 percent and 0.35, half a cent rounded up."""
    cents = int(Decimal(amount["value"]) * 100)
    return (Decimal((cents * 340 + 5000) // 10000) / 100 + Decimal("0.35")).quantize(CENT)


@dataclass
class Ledger:
    """The state behind the fake; every call is made under one lock, as one database would."""

    url: str = ""
    merchant: str = "MERCHANT12345"
    orders: dict[str, Json] = field(default_factory=dict)
    how: dict[str, str] = field(default_factory=dict)
    disputes: dict[str, Json] = field(default_factory=dict)
    events: list[Json] = field(default_factory=list)
    answered: dict[tuple[str, str], tuple[Json, Json]] = field(default_factory=dict)
    webhooks: dict[str, Json] = field(default_factory=dict)
    rows: list[Json] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)
    numbers: Any = field(default_factory=lambda: itertools.count(1))
    on_event: Callable[[Json], None] = lambda _event: None

    def new_id(self, kind: str) -> str:
        """Return an id as PayPal writes them: seventeen capitals and digits."""
        return f"{kind}{next(self.numbers):0{17 - len(kind)}d}"

    def once(self, path: str, key: str, body: Json, do: Callable[[], Json]) -> Json:
        """Do it once per address and key; another body under a used key is refused."""
        with self.lock:
            if key and (path, key) in self.answered:
                asked, answer = self.answered[path, key]
                if asked != body:
                    raise Refusal(422, "PAYPAL_REQUEST_ID_PREVIOUSLY_USED")
                return answer
            answer = do()
            if key:
                self.answered[path, key] = (body, answer)
            return answer

    def create(self, body: Json) -> Json:
        """Make an order that waits for its buyer."""
        invoice = body["purchase_units"][0].get("invoice_id")
        if any(
            one["purchase_units"][0].get("invoice_id") == invoice and captures(one)
            for one in self.orders.values()
        ):
            raise Refusal(422, "DUPLICATE_INVOICE_ID")
        id = self.new_id("5O")
        unit = body["purchase_units"][0] | {"payee": {"merchant_id": self.merchant}}
        order = {
            "id": id, "status": "PAYER_ACTION_REQUIRED", "intent": body["intent"],
            "purchase_units": [unit],
            "links": [{"rel": "payer-action", "href": f"{self.url}/checkoutnow?token={id}"}],
            "context": body["payment_source"]["paypal"]["experience_context"],
        }  # fmt: skip
        self.orders[id] = order
        return order

    def order(self, id: str) -> Json:
        """Return an order."""
        if id not in self.orders:
            raise Refusal(404, "INVALID_RESOURCE_ID")
        return self.orders[id]

    def approve(self, id: str, how: str = "pay") -> None:
        """Let the buyer approve an order; `how` says what a capture will then come to."""
        with self.lock:
            order = self.order(id)
            self.how[id] = how
            if order["status"] != "COMPLETED":
                order["status"] = "APPROVED"
            self.tell("CHECKOUT.ORDER.APPROVED", "checkout-order", order)

    def capture(self, id: str) -> Json:
        """Take the money of an approved order, once."""
        order = self.order(id)
        if captures(order):
            raise Refusal(422, "ORDER_ALREADY_CAPTURED")
        if order["status"] != "APPROVED":
            raise Refusal(422, "ORDER_NOT_APPROVED")
        how = self.how.get(id, "pay")
        if how == "decline":
            order["status"] = "PAYER_ACTION_REQUIRED"
            raise Refusal(422, "INSTRUMENT_DECLINED")
        order["status"] = "COMPLETED"
        unit = order["purchase_units"][0]
        capture = {
            "id": self.new_id("3C"), "status": "PENDING", "amount": unit["amount"],
            "final_capture": True, "custom_id": unit.get("custom_id"),
            "status_details": {"reason": "ECHECK"},
            "supplementary_data": {"related_ids": {"order_id": id}},
        }  # fmt: skip
        unit.setdefault("payments", {})["captures"] = [capture]
        if how == "slow":
            self.tell("PAYMENT.CAPTURE.PENDING", "capture", capture)
        else:
            self.complete(id)
        return order

    def complete(self, id: str) -> None:
        """Let a capture that is pending be through."""
        with self.lock:
            for capture in captures(self.order(id)):
                if capture["status"] == "PENDING":
                    amount = capture["amount"]
                    fee = fee_of(amount)
                    capture["status"] = "COMPLETED"
                    capture.pop("status_details")
                    capture["seller_receivable_breakdown"] = {
                        "gross_amount": amount,
                        "paypal_fee": amount | {"value": str(fee)},
                        "net_amount": amount | {"value": str(Decimal(amount["value"]) - fee)},
                    }
                    self.move("T0006", capture["id"], amount, fee, invoice_id=self.invoice(id))
                    self.tell("PAYMENT.CAPTURE.COMPLETED", "capture", capture)

    def refund(self, capture_id: str, body: Json) -> Json:
        """Give money back, never more than is left."""
        order = next(
            (o for o in self.orders.values() for c in captures(o) if c["id"] == capture_id), None
        )
        if order is None:
            raise Refusal(404, "INVALID_RESOURCE_ID")
        capture, unit = captures(order)[0], order["purchase_units"][0]
        if capture["status"] not in ("COMPLETED", "PARTIALLY_REFUNDED"):
            raise Refusal(422, "CAPTURE_FULLY_REFUNDED")
        taken = sum(Decimal(one["amount"]["value"]) for one in unit["payments"].get("refunds", ()))
        amount = body.get("amount") or capture["amount"]
        left = Decimal(capture["amount"]["value"]) - taken
        disputed = [
            one for one in self.disputes.values()
            if one["disputed_transactions"][0]["seller_transaction_id"] == capture_id
            and one.get("dispute_outcome", {}).get("outcome_code") != "RESOLVED_SELLER_FAVOUR"
        ]  # fmt: skip
        left -= sum(Decimal(one["dispute_amount"]["value"]) for one in disputed)
        if Decimal(amount["value"]) > left:
            raise Refusal(422, "REFUND_AMOUNT_EXCEEDED")
        refund = {
            "id": self.new_id("1R"), "status": "COMPLETED", "amount": amount,
            "seller_payable_breakdown": {
                "gross_amount": amount, "paypal_fee": amount | {"value": "0.00"},
                "net_amount": amount, "total_refunded_amount": amount,
            },
            "links": [{"rel": "up", "href": f"{self.url}/v2/payments/captures/{capture_id}"}],
        } | {name: body[name] for name in ("custom_id",) if name in body}  # fmt: skip
        unit["payments"].setdefault("refunds", []).append(refund)
        capture["status"] = "REFUNDED" if Decimal(amount["value"]) == left else "PARTIALLY_REFUNDED"
        self.move("T1107", refund["id"], amount, sign=-1, paypal_reference_id=capture_id)
        event = {name: value for name, value in refund.items() if name != "custom_id"}
        self.tell("PAYMENT.CAPTURE.REFUNDED", "refund", event)
        return refund

    def dispute(self, order_id: str, value: str) -> str:
        """Let the buyer's side take money back."""
        with self.lock:
            capture = captures(self.order(order_id))[0]
            id = f"PP-D-{next(self.numbers)}"
            self.disputes[id] = {
                "dispute_id": id, "status": "UNDER_REVIEW", "reason": "UNAUTHORISED",
                "create_time": "2026-11-20T10:00:00.000Z",
                "disputed_transactions": [{"seller_transaction_id": capture["id"]}],
                "dispute_amount": capture["amount"] | {"value": value},
            }  # fmt: skip
            amount = self.disputes[id]["dispute_amount"]
            self.move("T1201", f"T-{id}", amount, sign=-1, paypal_reference_id=capture["id"])
            self.tell("CUSTOMER.DISPUTE.CREATED", "dispute", self.disputes[id])
            return id

    def list_as_refund(self, id: str, value: str, made: str) -> None:
        """List money that a dispute takes among the refunds of its capture, as PayPal does."""
        with self.lock:
            capture_id = self.disputes[id]["disputed_transactions"][0]["seller_transaction_id"]
            (unit, capture), = (
                (order["purchase_units"][0], capture)
                for order in self.orders.values()
                for capture in captures(order) if capture["id"] == capture_id
            )  # fmt: skip
            amount = capture["amount"] | {"value": value}
            refund = {
                "id": self.new_id("1R"), "status": "COMPLETED", "amount": amount,
                "create_time": made,
                "links": [{"rel": "up", "href": f"{self.url}/v2/payments/captures/{capture_id}"}],
            }  # fmt: skip
            unit["payments"].setdefault("refunds", []).append(refund)
            capture["status"] = "REFUNDED" if amount == capture["amount"] else "PARTIALLY_REFUNDED"
            self.tell("PAYMENT.CAPTURE.REVERSED", "refund", refund)

    def decide(self, id: str, verdict: str) -> None:
        """End a dispute."""
        with self.lock:
            code = "RESOLVED_SELLER_FAVOUR" if verdict == "won" else "RESOLVED_BUYER_FAVOUR"
            self.disputes[id] |= {"status": "RESOLVED", "dispute_outcome": {"outcome_code": code}}
            if verdict == "won":
                capture_id = self.disputes[id]["disputed_transactions"][0]["seller_transaction_id"]
                amount = self.disputes[id]["dispute_amount"]
                self.move("T1202", f"T-{id}-back", amount, paypal_reference_id=capture_id)
            self.tell("CUSTOMER.DISPUTE.RESOLVED", "dispute", self.disputes[id])

    def disputes_of(self, capture_id: str) -> list[Json]:
        """Return the disputes about a capture, in short."""
        return [
            {"dispute_id": id, "status": one["status"]}
            for id, one in self.disputes.items()
            if one["disputed_transactions"][0]["seller_transaction_id"] == capture_id
        ]

    def invoice(self, order_id: str) -> str:
        """Return the number under which the site asked for an order."""
        return str(self.order(order_id)["purchase_units"][0].get("invoice_id", ""))

    def move(
        self,
        code: str,
        id: str,
        amount: Json,
        fee: Decimal = Decimal(0),
        sign: int = 1,
        **more: str,
    ) -> None:
        """Write down what changed the balance, as Transaction Search tells it."""
        at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")
        info = {
            "transaction_id": id, "transaction_event_code": code, "transaction_status": "S",
            "transaction_initiation_date": at,
            "transaction_amount": amount | {"value": str(sign * Decimal(amount["value"]))},
            "fee_amount": amount | {"value": str(-fee)}, **more,
        }  # fmt: skip
        self.rows.append({"transaction_info": info})

    def between(self, start: str, end: str) -> list[Json]:
        """Return what changed the balance in a time, both ends included."""
        since, until = (datetime.fromisoformat(at) for at in (start, end))
        dated = [
            (datetime.fromisoformat(one["transaction_info"]["transaction_initiation_date"]), one)
            for one in self.rows
        ]
        return [one for at, one in dated if since <= at <= until]

    def tell(self, event_type: str, resource_type: str, resource: Json) -> None:
        """Keep a message about what happened, and hand it on."""
        event = {
            "id": f"WH-{next(self.numbers)}", "event_type": event_type, "event_version": "1.0",
            "resource_type": resource_type, "resource_version": "2.0", "summary": "Something 1.10",
            "resource": dict(resource),
        }  # fmt: skip
        self.events.append(event)
        self.on_event(event)


def captures(order: Json) -> list[Json]:
    """Return the captures of an order."""
    found: list[Json] = order["purchase_units"][0].get("payments", {}).get("captures", [])
    return found
