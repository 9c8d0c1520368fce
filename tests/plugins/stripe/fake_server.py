"""The stand-in for Stripe behind HTTP: its interface, its page, and what only tests may do.

    python -m tests.plugins.stripe.fake_server

prints the port. Every request is checked against the types of Stripe's package, every answer too.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from core.http import request
from tests.plugins.stripe import requests, shapes
from tests.plugins.stripe.fake import FakeStripe, NoError, Thing
from tests.plugins.stripe.fake_routes import answer, expanded

KEY = "sk_test_stand_in"
PUBLISHABLE = "pk_test_stand_in"
SECRET = "whsec_stand_in"
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Stripe</title>
<h1>{title}</h1><p>{amount} {currency}</p><p id="said">{said}</p>
<form method="post">{buttons}</form><p><a href="{back}">Back to the site</a></p></html>"""
BUTTONS = {"pay": "Pay", "decline": "Card declined", "3ds": "3-D Secure", "slow": "Bank debit"}
PROVING = {"pay": "Complete authentication", "3ds-no": "Fail authentication"}


@dataclass
class Fault:
    """What goes wrong with the next call of an operation; `done` does first what was asked."""

    operation: str
    way: str
    done: bool = False


@dataclass
class Stand:
    """A running stand-in."""

    fake: FakeStripe = field(default_factory=FakeStripe)
    faults: list[Fault] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    keys: dict[str, tuple[str, int, Thing]] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def url(self) -> str:
        """Where it listens."""
        return self.fake.url

    def api(self, method: str, path: str, sent: Thing, key: str) -> tuple[int, Thing]:
        """Answer a call, once per key."""
        with self.lock, self.fake.lock:
            self.calls.append((method, path))
            if found := requests.faults(method, path, sent):
                self.wrong += found
                return 400, {"error": {"type": "invalid_request_error", "message": str(found)}}
            asked = f"{method} {path} {json.dumps(sent, sort_keys=True)}"
            if key and key in self.keys:
                before, status, known = self.keys[key]
                if before != asked:
                    return 400, {"error": {"type": "idempotency_error", "message": "Used."}}
                return status, known
            status, body = self._answered(method, path, sent)
            if key:
                self.keys[key] = (asked, status, json.loads(json.dumps(body)))
            return status, body

    def _answered(self, method: str, path: str, sent: Thing) -> tuple[int, Thing]:
        wanted = sent.pop("expand", [])
        try:
            body = expanded(self.fake, answer(self.fake, method, path, sent), wanted)
        except NoError as error:
            return error.status, error.body
        self.wrong += [f"{path}{fault}" for fault in shapes.faults(body)]
        for one in body["data"] if body.get("object") == "list" else ():
            self.wrong += [f"{path}{fault}" for fault in shapes.faults(one)]
        return 200, body

    def fault(self, method: str, path: str) -> Fault | None:
        """Return what is to go wrong with this call."""
        operation = "look_up" if method == "GET" else (
            "refund" if path.endswith("/refunds") else
            "cancel" if path.endswith(("/expire", "/cancel")) else "begin"
        )  # fmt: skip
        with self.lock:
            found = next((one for one in self.faults if one.operation == operation), None)
            if found:
                self.faults.remove(found)
            return found

    def page(self, id: str, said: str = "") -> str:
        """Draw the page of a session."""
        session = self.fake.things[id]
        intent = self.fake.things.get(session["payment_intent"] or "", {})
        proving = intent.get("status") == "requires_action"
        line = self.fake.asked[id]["line_items"][0]["price_data"]["product_data"]["name"]
        if session["status"] != "open":
            said = f"This page is {session['status']}."
        return PAGE.format(
            title=line, amount=session["amount_total"], currency=session["currency"], said=said,
            back=session["cancel_url"], buttons="".join(
                f'<button name="how" value="{how}">{words}</button>'
                for how, words in (PROVING if proving else BUTTONS).items()
                if session["status"] == "open"
            ),
        )  # fmt: skip

    def choose(self, id: str, how: str) -> str:
        """Do what was chosen on the page; return where it leads, or nothing to stay."""
        self.fake.person(id, how)
        session = self.fake.things[id]
        return session["success_url"] if session["status"] == "complete" else ""

    def deliver(self, numbers: list[int]) -> list[int]:
        """Send these events to every endpoint, in this order, signed now; return the statuses."""
        statuses = []
        for number in numbers:
            for endpoint in self.fake.of_kind("webhook_endpoint"):
                secret = self.fake.asked[endpoint["id"]]["secret"]
                header, body = self.fake.delivery(self.fake.events[number], secret)
                url = endpoint["url"]
                sent = request(
                    "POST", url, hosts={urlsplit(url).netloc}, body=body,
                    headers={"Stripe-Signature": header, "Content-Type": "application/json"},
                )  # fmt: skip
                statuses.append(sent.status)
        return statuses

    def listen(self, url: str, secret: str = SECRET) -> None:
        """Have a site told of what happens, as if its owner had made a webhook."""
        endpoint = self.fake.new(
            "webhook_endpoint", "we", url=url, status="enabled", enabled_events=["*"]
        )
        self.fake.asked[endpoint["id"]] = {"secret": secret}

    def control(self, what: str, sent: Thing) -> Any:
        """Do what only a test may ask for."""
        if what == "fault":
            self.faults.append(Fault(**sent))
        elif what == "events":
            return [one["type"] for one in self.fake.events]
        elif what == "charges":
            return self.fake.of_kind("charge")
        elif what == "wrong":
            return self.wrong
        elif what in ("deliver", "listen"):
            return getattr(self, what)(**sent)
        else:
            with self.fake.lock:
                return getattr(self.fake, what)(**sent)
        return {}


class Handler(BaseHTTPRequestHandler):
    """Answers the requests to a stand-in."""

    server: Server
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._do("GET")

    def do_POST(self) -> None:
        self._do("POST")

    def do_DELETE(self) -> None:
        self._do("DELETE")

    def _do(self, method: str) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode()
        if len(body.encode()) < length:  # whoever asked died in the middle of it
            self.close_connection = True
        elif parts.path.startswith("/v1/"):
            self._api(method, parts.path, body or parts.query)
        elif parts.path.startswith("/c/pay/"):
            self._page(method, parts.path.rpartition("/")[2], body)
        elif not parts.path.startswith("/control/"):
            self._send(404, "{}")
        else:
            said = self.server.stand.control(
                parts.path.rpartition("/")[2], json.loads(body or "{}")
            )
            self._send(200, json.dumps(said))

    def _page(self, method: str, id: str, body: str) -> None:
        if method == "GET":
            return self._send(200, self.server.stand.page(id), "text/html")
        to = self.server.stand.choose(id, dict(parse_qsl(body)).get("how", ""))
        if to:
            return self._send(303, "", location=to)
        fake = self.server.stand.fake
        problem = fake.things.get(fake.things[id]["payment_intent"], {}).get("last_payment_error")
        said = "Your card was declined." if problem else ""
        return self._send(200, self.server.stand.page(id, said), "text/html")

    def _api(self, method: str, path: str, form: str) -> None:
        if self.headers.get("Authorization") != f"Bearer {KEY}":
            error = {"type": "invalid_request_error", "message": "Invalid API Key provided"}
            return self._send(401, json.dumps({"error": error}))
        sent, key = requests.decode(form), self.headers.get("Idempotency-Key") or ""
        fault = self.server.stand.fault(method, path)
        if fault is None or fault.done:
            answered = self.server.stand.api(method, path, sent, key if method == "POST" else "")
        if fault is None:
            return self._send(answered[0], json.dumps(answered[1]))
        return self._spoil(fault.way)

    def _spoil(self, way: str) -> None:
        if way == "error":
            return self._send(500, '{"error": {"type": "api_error", "message": "Trouble"}}')
        if way == "garbage":
            return self._send(200, "<html>Hello</html>", "text/html")
        if way == "busy":
            return self._send(429, '{"error": {"type": "invalid_request_error"}}')
        if way == "moved":
            return self._send(302, "{}", location=f"{self.server.stand.url}/v1/account")
        if way == "timeout":
            time.sleep(0.6)
        self.close_connection = True
        return None

    def _send(self, status: int, text: str, kind: str = "application/json", **more: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(text.encode())))
        self.send_header("Request-Id", "req_stand_in")
        for name, value in more.items():
            self.send_header(name.title(), value)
        self.end_headers()
        self.wfile.write(text.encode())


class Server(ThreadingHTTPServer):
    """Ends with its test."""

    daemon_threads = True
    request_queue_size = 64
    stand: Stand


def opened(stand: Stand, kind: type[Server] = Server) -> Server:
    """Return a server for a stand-in, on a free port."""
    requests.operations()
    shapes.classes()  # reading the package takes longer than a client waits
    server = kind(("127.0.0.1", 0), Handler)
    server.stand = stand
    stand.fake.url = f"http://127.0.0.1:{server.server_port}"
    return server


@contextmanager
def running() -> Iterator[Stand]:
    """Run a stand-in in this process, until the end of the block."""
    stand = Stand()
    server = opened(stand)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield stand
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


if __name__ == "__main__":
    alone = opened(Stand())
    print(alone.server_port, flush=True)
    alone.serve_forever()
