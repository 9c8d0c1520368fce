"""A client that does next to nothing: one request at a time on each kept connection."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Sequence

BUFFER = 1 << 17


def request(method: str, path: str, *, cookie: str = "", form: str | None = None) -> bytes:
    """Return the bytes of a request as a browser on the same site sends it."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Accept: text/html"]
    if cookie:
        lines.append(f"Cookie: obolo={cookie}")
    if form is not None:
        lines += [
            "Content-Type: application/x-www-form-urlencoded",
            f"Content-Length: {len(form)}",
            "Sec-Fetch-Site: same-origin",
        ]
    return ("\r\n".join(lines) + "\r\n\r\n" + (form or "")).encode()


class Connection:
    """A kept connection to a server on this machine; one request at a time."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=180)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._parts = b""

    def send(self, wanted: bytes) -> None:
        """Send one request."""
        self.socket.sendall(wanted)

    def read(self) -> tuple[int, bytes, bytes] | None:
        """Read once; return status, head and body when the answer is whole."""
        part = self.socket.recv(BUFFER)
        if not part:
            raise ConnectionError("the server hung up")
        self._parts += part
        end = self._parts.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = self._parts[:end]
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r")[0])
        if len(self._parts) < end + 4 + length:
            return None
        body, self._parts = self._parts[end + 4 :], b""
        return int(head[9:12]), head, body

    def ask(self, wanted: bytes, status: int) -> bytes:
        """Send one request, wait for its answer, and return the body."""
        self.send(wanted)
        while (answer := self.read()) is None:
            pass
        if answer[0] != status:
            raise AssertionError(
                f"{wanted[:200]!r} was answered by {answer[1]!r} {answer[2][:2000]!r}"
            )
        return answer[2]

    def close(self) -> None:
        """Hang up."""
        self.socket.close()


def fetch(port: int, wanted: bytes, status: int = 200) -> bytes:
    """Ask once on a connection of its own."""
    connection = Connection(port)
    try:
        return connection.ask(wanted, status)
    finally:
        connection.close()


def drive(port: int, requests: Sequence[bytes], status: int, clients: int = 1) -> float:
    """Send all requests by so many clients at once; return the seconds it took.

    Connections are opened and used once before the clock starts.
    """
    connections = [Connection(port) for _ in range(clients)]
    first, rest = requests[:clients], requests[clients:]
    for connection, wanted in zip(connections, first, strict=True):
        connection.ask(wanted, status)
    started = time.perf_counter()
    if clients == 1:
        for wanted in rest:
            connections[0].ask(wanted, status)
    else:
        _drive_many(connections, rest, status)
    took = time.perf_counter() - started
    for connection in connections:
        connection.close()
    return took


def _drive_many(connections: Sequence[Connection], requests: Sequence[bytes], status: int) -> None:
    waiting = iter(requests)
    busy = 0
    with selectors.DefaultSelector() as ready:
        for connection in connections:
            if (wanted := next(waiting, None)) is not None:
                ready.register(connection.socket, selectors.EVENT_READ, connection)
                connection.send(wanted)
                busy += 1
        while busy:
            for key, _ in ready.select():
                connection = key.data
                answer = connection.read()
                if answer is None:
                    continue
                if answer[0] != status:
                    raise AssertionError(f"answered by {answer[1]!r} {answer[2][:2000]!r}")
                if (wanted := next(waiting, None)) is None:
                    busy -= 1
                else:
                    connection.send(wanted)
