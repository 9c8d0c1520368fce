"""One request to this machine at a time, on a connection of its own; or no whole answer."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

ANSWER_SECONDS = 60


class CutOff(Exception):
    """No whole answer came: the site died, or it is not there."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, as far as somebody who walks through the pages needs it."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def location(self) -> str:
        return self.headers.get("location", "")

    def json(self) -> Any:
        return msgspec.json.decode(self.body)


def ask(
    port: int, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None
) -> Answer:
    """Send one request to this machine and read the whole answer. Raises CutOff."""
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {text}" for name, text in headers.items())]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    head = "\r\n".join([*lines, "Connection: close", "", ""]).encode()
    try:
        with socket.create_connection(("127.0.0.1", port), ANSWER_SECONDS) as wire:
            wire.sendall(head + (body or b""))
            received = b""
            while piece := wire.recv(65536):
                received += piece
    except OSError as error:
        raise CutOff from error
    top, end, rest = received.partition(b"\r\n\r\n")
    if not end:
        raise CutOff
    first, *others = top.decode("latin-1").split("\r\n")
    found = {name.lower(): text for name, _, text in (line.partition(": ") for line in others)}
    if len(rest) < int(found.get("content-length", 0)):
        raise CutOff
    return Answer(int(first.split()[1]), found, rest)
