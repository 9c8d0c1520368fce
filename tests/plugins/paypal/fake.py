"""A PayPal on loopback: its interface, its page, its messages, and trouble on demand.

Every request is checked against PayPal's own models; what is wrong with one is kept in `mistakes`,
which a test demands to be empty.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import threading
import time
import urllib.request
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from core.clock import now
from core.payments import Inbound
from plugins.paypal.messages import EVENTS
from tests.plugins.paypal.contract import mistakes, models
from tests.plugins.paypal.ledger import Json, Ledger, Refusal

CLIENT, SECRET, WEBHOOK = "client-id", "client-secret", "1JE4291016473214C"
SEAL = b"PayPal's own"
CERT = "https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-1d93a270"
PAGE = """<!doctype html><html lang="en"><title>PayPal</title><h1>{value} {currency}</h1>
<p>{description}</p><form method="post"><button name="how" value="pay">Pay</button>
<button name="how" value="decline">Decline</button>
<button name="how" value="slow">Pay slowly</button>
<button name="how" value="cancel">Cancel</button></form></html>"""


@dataclass
class Fault:
    """What goes wrong with an answer to an operation; `skip` of them go right before."""

    operation: str
    way: str
    done: bool = False
    skip: int = 0


@dataclass
class FakePayPal:
    """Everything that a test drives; `site` is told of events at once when it is set."""

    books: Ledger = field(default_factory=Ledger)
    faults: list[Fault] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)
    log: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    token_calls: int = 0
    lets_in: bool = True
    forbidden: set[str] = field(default_factory=set)
    transactions: list[Json] = field(default_factory=list)
    site: str = ""
    url: str = ""

    def inbound(
        self, event: Json | bytes, at: datetime | None = None, *, webhook: str = WEBHOOK
    ) -> Inbound:
        """Return a message signed now, or at another instant."""
        body = event if isinstance(event, bytes) else json.dumps(event, indent=1).encode()
        stamp = (at or now()).strftime("%Y-%m-%dT%H:%M:%SZ")
        headers = {
            "Paypal-Auth-Algo": "SHA256withRSA", "Paypal-Cert-Url": CERT,
            "Paypal-Transmission-Id": "69cd13f0-d67a-11e5-baa3-778b53f4ae55",
            "Paypal-Transmission-Time": stamp,
        }  # fmt: skip
        headers["Paypal-Transmission-Sig"] = seal(
            headers["Paypal-Transmission-Id"], stamp, webhook, body
        )
        return Inbound(headers, body)

    def deliver(self, event: Json) -> None:
        """Send a message to the site, as PayPal does from its own machines."""
        message = self.inbound(event)
        request = urllib.request.Request(
            f"{self.site}/webhooks/paypal", message.body, message.headers
        )
        with suppress(OSError):
            urllib.request.urlopen(request, timeout=10).read()

    def tell(self, event: Json) -> None:
        """Hand a message on without waiting for the site."""
        if self.site:
            threading.Thread(target=self.deliver, args=[event], daemon=True).start()

    def fault(self, operation: str) -> Fault | None:
        """Take the fault that is meant for this operation."""
        for fault in self.faults:
            if fault.operation == operation:
                if fault.skip:
                    fault.skip -= 1
                    return None
                self.faults.remove(fault)
                return fault
        return None

    def requests(self, method: str, pattern: str) -> list[tuple[str, str, dict[str, str], bytes]]:
        """Return what was asked at addresses like this."""
        return [one for one in self.log if one[0] == method and re.fullmatch(pattern, one[1])]


def seal(id: str, time: str, webhook: str, body: bytes) -> str:
    """Return what signs a message: over what PayPal signs, by a secret instead of a certificate."""
    signed = f"{id}|{time}|{webhook}|{zlib.crc32(body)}".encode()
    return base64.b64encode(hmac.digest(SEAL, signed, "sha256")).decode()


def operation_of(method: str, path: str) -> str:
    """Return how a test calls what a request is for."""
    names = {
        ("POST", r"/v2/checkout/orders"): "begin",
        ("GET", r"/v2/checkout/orders/[^/]+"): "look_up",
        ("POST", r"/v2/checkout/orders/[^/]+/capture"): "capture",
        ("POST", r"/v2/payments/captures/[^/]+/refund"): "refund",
    }
    return next(
        (name for (verb, at), name in names.items() if verb == method and re.fullmatch(at, path)),
        "",
    )


def answer(  # noqa: C901, PLR0911 - one case for each address
    fake: FakePayPal, method: str, path: str, query: dict[str, str], raw: bytes, key: str
) -> Any:
    """Do what is asked, and return the answer. Raises Refusal."""
    books = fake.books
    body = json.loads(raw) if raw and path != "/v1/notifications/verify-webhook-signature" else {}
    fake.mistakes += [f"{method} {path}: {one}" for one in mistakes(method, path, body)]
    if operation_of(method, path) in ("begin", "capture", "refund") and not key:
        fake.mistakes.append(f"{method} {path}: no PayPal-Request-Id")
    if any(path.startswith(one) for one in fake.forbidden):
        raise Refusal(403, "NOT_AUTHORIZED")
    match method, *path.strip("/").split("/"):
        case "POST", "v2", "checkout", "orders":
            return books.once(path, key, body, lambda: books.create(body))
        case "GET", "v2", "checkout", "orders", id:
            return books.order(id)
        case "POST", "v2", "checkout", "orders", id, "capture":
            return books.once(path, key, body, lambda: books.capture(id))
        case "POST", "v2", "payments", "captures", id, "refund":
            return books.once(path, key, body, lambda: books.refund(id, body))
        case "GET", "v1", "customer", "disputes":
            return {"items": books.disputes_of(query.get("disputed_transaction_id", ""))}
        case "GET", "v1", "customer", "disputes", id:
            return books.disputes[id]
        case "POST", "v1", "notifications", "verify-webhook-signature":
            return {"verification_status": "SUCCESS" if is_genuine(raw) else "FAILURE"}
        case "GET", "v1", "notifications", "webhooks-event-types":
            return {
                "event_types": [{"name": name} for name in (*EVENTS[:-1], "BILLING.PLAN.CREATED")]
            }
        case _, "v1", "notifications", "webhooks", *rest:
            return webhooks(books, method, rest, body)
        case "GET", "v1", "reporting", "transactions":
            moved = books.between(query["start_date"], query["end_date"])
            return {"transaction_details": fake.transactions + moved, "total_pages": 1}
    raise Refusal(404, "RESOURCE_NOT_FOUND")


def webhooks(books: Ledger, method: str, rest: list[str], body: Json) -> Json:
    """Make, show and delete webhooks; only for encrypted addresses, and one for each."""
    if method == "POST":
        if not body["url"].startswith("https://"):
            raise Refusal(400, "VALIDATION_ERROR")
        if any(one["url"] == body["url"] for one in books.webhooks.values()):
            raise Refusal(400, "WEBHOOK_URL_ALREADY_EXISTS")
        id = books.new_id("0W")
        books.webhooks[id] = body | {"id": id}
        return books.webhooks[id]
    if not rest:
        return {"webhooks": list(books.webhooks.values())}
    if rest[0] not in books.webhooks:
        raise Refusal(404, "INVALID_RESOURCE_ID")
    return books.webhooks[rest[0]] if method == "GET" else books.webhooks.pop(rest[0])


def is_genuine(raw: bytes) -> bool:
    """Check a message that a site sent back: the event's bytes as they stand in the body."""
    found = json.loads(raw)
    event = raw.partition(b',"webhook_event":')[2][:-1]
    mine = seal(found["transmission_id"], found["transmission_time"], found["webhook_id"], event)
    return hmac.compare_digest(mine, found["transmission_sig"]) and found["cert_url"] == CERT


class Handler(BaseHTTPRequestHandler):
    """HTTP around it."""

    fake: FakePayPal

    def log_message(self, *_arguments: Any) -> None:
        """Print nothing."""

    def do_GET(self) -> None:
        """Read, or show the page."""
        self._serve()

    def do_POST(self) -> None:
        """Do something, or take what a person chose."""
        self._serve()

    def do_DELETE(self) -> None:
        """Take something away."""
        self._serve()

    def _serve(self) -> None:
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length)
        if len(raw) < length:  # whoever asked died in the middle of it
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        if url.path == "/checkoutnow":
            self._page(query["token"], raw)
            return
        self.fake.log.append((self.command, url.path, headers, raw))
        if url.path == "/v1/oauth2/token":
            self._give_token(headers)
            return
        fault = self.fake.fault(operation_of(self.command, url.path))
        if fault is None or fault.done:
            status, body = self._answer(url.path, query, raw, headers)
        if fault is None:
            self._send(status, body)
        else:
            self._spoil(fault.way)

    def _answer(
        self, path: str, query: Any, raw: bytes, headers: dict[str, str]
    ) -> tuple[int, Any]:
        token = headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.fake.tokens or not self.fake.lets_in:
            return 401, {"error": "invalid_token"}
        key = headers.get("paypal-request-id", "")
        try:
            with self.fake.books.lock:
                found = answer(self.fake, self.command, path, query, raw, key)
        except Refusal as no:
            return no.status, {"name": "UNPROCESSABLE_ENTITY", "details": [{"issue": no.issue}]}
        return 200, found

    def _give_token(self, headers: dict[str, str]) -> None:
        self.fake.token_calls += 1
        mine = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if headers.get("authorization") != f"Basic {mine}" or "paypal-request-id" in headers:
            self._send(401, {"error": "invalid_client"})
            return
        token = f"A21AA{self.fake.token_calls}"
        self.fake.tokens.add(token)
        self._send(200, {"access_token": token, "token_type": "Bearer", "expires_in": 32400})

    def _spoil(self, way: str) -> None:
        if way == "timeout":
            time.sleep(0.5)
        elif way == "error":
            self._send(500, {"name": "INTERNAL_SERVER_ERROR"})
        elif way == "garbage":
            self._send(200, b"<html>Welcome")
        self.close_connection = True

    def _send(self, status: int, body: Any, **headers: str) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("PayPal-Debug-Id", hashlib.sha256(data).hexdigest()[:12])
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def _page(self, token: str, raw: bytes) -> None:
        """Show an order to its buyer, and send them back with what they chose."""
        order = self.fake.books.order(token)
        unit, context = order["purchase_units"][0], order["context"]
        if self.command == "GET":
            amount = unit["amount"]
            page = PAGE.format(
                value=amount["value"],
                currency=amount["currency_code"],
                description=unit["description"],
            )
            self._send(200, page.encode(), Content_Type="text/html")
            return
        how = parse_qs(raw.decode())["how"][0]
        back = context["cancel_url"] if how == "cancel" else context["return_url"]
        if how != "cancel":
            self.fake.books.approve(token, how)
        query = f"token={token}" if how == "cancel" else f"token={token}&PayerID=QYR5Z8XDVJNXQ"
        self._send(303, b"", Location=f"{back}?{query}")


@contextmanager
def running() -> Iterator[FakePayPal]:
    """Run a PayPal on a free port of this machine."""
    models()  # read once, so that no request waits for it
    fake = FakePayPal()
    handler = type("Here", (Handler,), {"fake": fake})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        fake.url = fake.books.url = f"http://127.0.0.1:{server.server_port}"
        fake.books.on_event = fake.tell
        thread = threading.Thread(target=server.serve_forever, args=[0.02])
        thread.start()
        yield fake
        server.shutdown()
        thread.join()
