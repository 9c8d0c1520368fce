"""The stand-in for Stripe as the bank of this proof."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import cache
from http.server import ThreadingHTTPServer
from typing import Any

from tests.plugins.stripe.fake import FakeStripe, Thing
from tests.plugins.stripe.fake_server import KEY, SECRET, Server, Stand, opened
from tests.proofs.kill.bank import NEVER, SLOW_SECONDS
from tests.proofs.kill.stand_in import Log, Row, Served, StandIn

DESK = ("happened", "messages", "mistakes")


class Logged(FakeStripe):
    """The stand-in's memory, with a log; a bank that takes its time is soon through."""

    def __init__(self) -> None:
        super().__init__()
        self.log = Log()
        self.slow: dict[str, float] = {}

    def settle(self, intent: Thing) -> None:
        """Take the money for good."""
        super().settle(intent)
        charge = self.things[intent["latest_charge"]]
        fee = self.things[charge["balance_transaction"]]["fee"]
        self.log.add("charged", intent["id"], _payment(intent), charge["id"], intent["amount"],
                     fee=fee)  # fmt: skip

    def refund(self, sent: Thing) -> Thing:
        """Give money back."""
        refund = super().refund(sent)
        intent = self.things[refund["payment_intent"]]
        self.log.add(
            "refunded", intent["id"], _payment(intent), refund["id"], refund["amount"],
            key=refund["metadata"].get("obolo_refund", ""),
        )  # fmt: skip
        return refund

    def person(self, ref: str, how: str) -> None:
        """Do what a person does on the page."""
        super().person(ref, how)
        intent = self.things.get(self.things[ref]["payment_intent"] or "")
        if intent and intent["status"] == "processing":
            self.slow.setdefault(ref, time.monotonic() + SLOW_SECONDS)

    def find(self, id: str) -> Thing:
        """Return an object, as it is when somebody looks."""
        if self.slow.get(id, NEVER) < time.monotonic():
            del self.slow[id]
            self.finish_slow(id)
        return super().find(id)


def _payment(intent: Thing) -> str:
    return str(intent["metadata"].get("obolo_payment", ""))


class Counter(Stand):
    """A running stand-in that tells the proof what happened."""

    fake: Logged

    def control(self, what: str, sent: Thing) -> Any:
        """Do what only the proof may ask for."""
        if what not in DESK:
            return super().control(what, sent)
        with self.fake.lock:
            return getattr(self, what)(**sent)

    def happened(self, after: int) -> list[Row]:
        """Return the rows of the log after a number."""
        return self.fake.log.rows[after:]

    def messages(self, after: int) -> list[Row]:
        """Return the messages after a number, signed now."""
        found = []
        for id in list(self.fake.slow):
            self.fake.find(id)
        for number, event in enumerate(self.fake.events[after:], start=after + 1):
            header, body = self.fake.delivery(event, SECRET)
            headers = {"Stripe-Signature": header, "Content-Type": "application/json"}
            row = {"number": number, "event": event["id"], "headers": headers}
            found.append(row | {"body": body.decode()})
        return found

    def mistakes(self) -> list[str]:
        """Return what was wrong with requests and answers."""
        return self.wrong


@cache
def _warm() -> None:
    """Let the types be read once, in the process that all stand-ins are forked from."""
    stand = Counter(fake=Logged())
    server = opened(stand)
    server.server_close()
    item = {
        "quantity": "1", "price_data": {
            "currency": "eur", "unit_amount": "100", "product_data": {"name": "x"},
        },
    }  # fmt: skip
    sent = {
        "mode": "payment", "ui_mode": "hosted_page", "success_url": "http://x/", "locale": "en",
        "cancel_url": "http://x/", "line_items": [item],
    }  # fmt: skip
    _, session = stand.api("POST", "/v1/checkout/sessions", sent, "")
    stand.fake.person(session["id"], "pay")
    charge = stand.fake.of_kind("charge")[0]["id"]
    stand.api("POST", "/v1/refunds", {"charge": charge, "amount": "10"}, "")
    path = "payment_intent.latest_charge"
    more = [f"{path}.balance_transaction", f"{path}.refunds"]
    stand.api("GET", f"/v1/checkout/sessions/{session['id']}", {"expand": more}, "")
    assert stand.wrong == []


class Stripe(StandIn):
    """Cards, which can be held."""

    provider = "stripe"
    holds = True
    fixed: Mapping[str, str] = {
        "OBOLO_STRIPE__SECRET_KEY": KEY,
        "OBOLO_STRIPE__WEBHOOK_SECRET": SECRET,
    }

    def __init__(self, *arguments: Any) -> None:
        _warm()
        super().__init__(*arguments)

    @staticmethod
    def serve() -> ThreadingHTTPServer:
        """Open the stand-in in this process."""
        stand = Counter(fake=Logged())
        return opened(stand, type("Here", (Served, Server), {"mistakes": stand.wrong}))
