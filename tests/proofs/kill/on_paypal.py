"""The stand-in for PayPal as the bank of this proof."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from decimal import Decimal
from http.server import ThreadingHTTPServer
from typing import Any

from tests.plugins.paypal.contract import models
from tests.plugins.paypal.fake import CLIENT, SECRET, WEBHOOK, FakePayPal, Handler
from tests.plugins.paypal.ledger import Json, Ledger, captures
from tests.proofs.kill.bank import NEVER, SLOW_SECONDS
from tests.proofs.kill.stand_in import Log, Row, Served, StandIn


class Logged(Ledger):
    """The stand-in's memory, with a log; a bank that takes its time is soon through."""

    def __init__(self) -> None:
        super().__init__()
        self.log = Log()
        self.slow: dict[str, float] = {}

    def capture(self, id: str) -> Json:
        """Take the money of an approved order."""
        order = super().capture(id)
        if self.how.get(id) == "slow":
            self.slow[id] = time.monotonic() + SLOW_SECONDS
        return order

    def order(self, id: str) -> Json:
        """Return an order, as it is when somebody looks."""
        if self.slow.get(id, NEVER) < time.monotonic():
            del self.slow[id]
            self.complete(id)
        return super().order(id)

    def complete(self, id: str) -> None:
        """Let a capture that is pending be through."""
        with self.lock:
            order = self.order(id)
            pending = [one for one in captures(order) if one["status"] == "PENDING"]
            super().complete(id)
            for one in pending:
                fee = one["seller_receivable_breakdown"]["paypal_fee"]
                self.log.add("charged", id, _payment(order), one["id"], _minor(one["amount"]),
                             fee=_minor(fee))  # fmt: skip

    def refund(self, capture_id: str, body: Json) -> Json:
        """Give money back."""
        refund = super().refund(capture_id, body)
        order = next(
            one for one in self.orders.values()
            if any(capture["id"] == capture_id for capture in captures(one))
        )  # fmt: skip
        self.log.add(
            "refunded", order["id"], _payment(order), refund["id"], _minor(refund["amount"]),
            key=refund.get("custom_id", ""),
        )  # fmt: skip
        return refund


def _payment(order: Json) -> str:
    return str(order["purchase_units"][0]["custom_id"])


def _minor(amount: Json) -> int:
    return int(Decimal(amount["value"]) * 100)


class Server(ThreadingHTTPServer):
    """Ends with its process."""

    daemon_threads = True
    request_queue_size = 64


class Counter(Handler):
    """Serves the stand-in, and tells the proof what happened."""

    books: Logged

    def _serve(self) -> None:
        if not self.path.startswith("/control/"):
            super()._serve()
            return
        sent = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        with self.books.lock:
            found = getattr(self, self.path.rpartition("/")[2])(**sent)
        self._send(200, json.dumps(found).encode())

    def happened(self, after: int) -> list[Row]:
        """Return the rows of the log after a number."""
        return self.books.log.rows[after:]

    def messages(self, after: int) -> list[Row]:
        """Return the messages after a number, signed now."""
        found = []
        for id in list(self.books.slow):
            self.books.order(id)
        for number, event in enumerate(self.books.events[after:], start=after + 1):
            sent = self.fake.inbound(event)
            row = {"number": number, "event": event["id"], "headers": dict(sent.headers)}
            found.append(row | {"body": sent.body.decode()})
        return found

    def mistakes(self) -> list[str]:
        """Return what was wrong with requests."""
        return self.fake.mistakes


class PayPal(StandIn):
    """Orders that are approved at PayPal, and captured by the site."""

    provider = "paypal"
    fixed: Mapping[str, str] = {
        "OBOLO_PAYPAL__CLIENT_ID": CLIENT, "OBOLO_PAYPAL__SECRET": SECRET,
        "OBOLO_PAYPAL__WEBHOOK_ID": WEBHOOK, "OBOLO_PAYPAL__FEE_PERCENT": "3.40",
        "OBOLO_PAYPAL__FEE_FIXED": "0.35",
    }  # fmt: skip

    def __init__(self, *arguments: Any) -> None:
        models()  # read once, in the process that all stand-ins are forked from
        super().__init__(*arguments)

    @staticmethod
    def serve() -> ThreadingHTTPServer:
        """Open the stand-in in this process."""
        books = Logged()
        fake = FakePayPal(books=books)
        handler = type("Here", (Counter,), {"fake": fake, "books": books})
        kind = type("There", (Served, Server), {"mistakes": fake.mistakes})
        server = kind(("127.0.0.1", 0), handler)
        fake.url = books.url = f"http://127.0.0.1:{server.server_port}"
        return server
