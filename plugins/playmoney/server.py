"""The bank as a process of its own: `python -m plugins.playmoney.server --log FILE ...`.

It listens on this machine only, and writes its port to the standard output once it answers.
"""

from __future__ import annotations

import argparse
import hmac
import json
import logging
import os
import secrets
import socket
import socketserver
import struct
import sys
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from plugins.playmoney.api import Api
from plugins.playmoney.bank import Bank, BankRefused, UnknownPayment, Way
from plugins.playmoney.courier import Courier
from plugins.playmoney.faults import Fault
from plugins.playmoney.page import draw
from plugins.playmoney.signature import api_key

log = logging.getLogger("obolo.playmoney")
MOST_BYTES = 64 * 1024
SILENT_SECONDS = 60
"""How long the bank keeps a caller waiting that it does not answer; the caller gives up before."""
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER on and zero seconds: closing the socket breaks the connection."""
JSON = "application/json"
HTML = "text/html; charset=utf-8"


class Server(ThreadingHTTPServer):
    """Listens on 127.0.0.1, one thread for each call."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(
        self, bank: Bank, *, port: int = 0, slow_seconds: float = 3.0, send: bool = False
    ) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.courier = Courier(bank)
        self.sends = send
        url = f"http://127.0.0.1:{self.server_address[1]}"
        self.api = Api(bank, self.courier, url, slow_seconds)
        self.key = api_key(bank.secret)

    def server_bind(self) -> None:
        """Bind without asking what this machine is called."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say in one line that a call failed: a caller that was killed is no news."""
        log.warning(
            "a call from %s failed", client_address, exc_info=log.isEnabledFor(logging.DEBUG)
        )

    def serve_forever(self, poll_interval: float = 0.5) -> None:
        """Answer until `shutdown`, and send messages where that was asked for."""
        if self.sends:
            self.courier.start()
        try:
            super().serve_forever(poll_interval)
        finally:
            self.courier.stop()


class Handler(BaseHTTPRequestHandler):
    """Reads one call, lets the bank answer, and spoils the answer where a fault waits."""

    server: Server

    def do_GET(self) -> None:
        """Answer a question."""
        self._serve("GET")

    def do_POST(self) -> None:
        """Do something."""
        self._serve("POST")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - named by the library
        """Keep quiet: the log of the bank says what happened."""

    def _serve(self, method: str) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        if length > MOST_BYTES:
            self._send(413, b"{}", JSON)
            return
        body = self.rfile.read(length)
        if parts.path.startswith("/pay/"):
            self._page(method, parts.path.removeprefix("/pay/"), body)
        else:
            self._api(method, parts.path, parts.query, body)
        if method == "POST":
            self.server.courier.wake()

    def _api(self, method: str, path: str, query: str, body: bytes) -> None:
        found = self.server.api.route(method, path)
        if found is None:
            self._send_json(404, {"error": "unknown address", "message": "No such address."})
            return
        shown = self.headers.get("Authorization", "").encode()
        if not hmac.compare_digest(shown, f"Bearer {self.server.key}".encode()):
            self._send_json(401, {"error": "wrong key", "message": "The key is wrong."})
            return
        route, named = found
        fault = self.server.api.bank.faults.take(route.operation) if route.operation else None
        if fault is not None and not fault.done:
            self._spoil(fault)
            return
        names = {name: unquote(text) for name, text in named.items()}
        try:
            sent = json.loads(body) if body else {}
            status, answer = self.server.api.answer(
                route, {**sent, **dict(parse_qsl(query)), **names}
            )
        except (ValueError, TypeError):
            status, answer = 400, {"error": "no JSON", "message": "This is no JSON object."}
        if fault is not None:
            self._spoil(fault)
        else:
            self._send_json(status, answer)

    def _page(self, method: str, ref: str, body: bytes) -> None:
        api = self.server.api
        try:
            report = api.bank.report(ref)
            if method == "GET":
                self._send(200, draw(report).encode(), HTML)
                return
            how = dict(parse_qsl(body.decode("ascii", "replace"))).get("how")
            if how in ("pay", "decline", "slow", "cancel"):
                api.bank.pay(ref, cast("Way", how), slow_seconds=api.slow_seconds)
        except UnknownPayment:
            self._send(404, b"There is no such payment.", "text/plain; charset=utf-8")
            return
        except BankRefused:
            pass  # it is over already; the site says how it ended
        self.send_response(303)
        self.send_header("Location", report.return_url)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _spoil(self, fault: Fault) -> None:
        if fault.way == "error":
            self._send_json(500, {"error": "trouble", "message": "Please come back later."})
        elif fault.way == "garbage":
            self._send(200, b"<html><p>Please come back later.</p>", HTML)
        elif fault.way == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self.connection.close()
        else:
            self.connection.settimeout(SILENT_SECONDS)
            with suppress(OSError):
                self.connection.recv(1)  # returns when the caller has given up

    def _send_json(self, status: int, answer: Any) -> None:
        self._send(status, msgspec.json.encode(answer), JSON)

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def read_secret(path: Path) -> bytes:
    """Return the secret in a file, which is made with a new one when it is missing."""
    if not path.exists():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32) + "\n")
    return path.read_bytes().strip()


def main(arguments: list[str] | None = None) -> None:
    """Run the bank until it is stopped."""
    parser = argparse.ArgumentParser(prog="python -m plugins.playmoney.server", description=__doc__)
    parser.add_argument("--log", type=Path, required=True, help="the file that keeps what happened")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--secret-file", type=Path, required=True, help="what sites share with it")
    parser.add_argument("--slow-seconds", type=float, default=3.0, help="of a slow payment")
    parser.add_argument("--webhooks", choices=("send", "hold"), default="send")
    given = parser.parse_args(arguments)
    bank = Bank(given.log, secret=read_secret(given.secret_file))
    server = Server(
        bank, port=given.port, slow_seconds=given.slow_seconds, send=given.webhooks == "send"
    )
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
