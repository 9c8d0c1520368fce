"""Somebody else's server, as it answers in tests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from core import http, outgoing
from core.outgoing import Endpoint

URL = "https://hooks.example.org/obolo?shop=1"


@dataclass
class Receiver:
    """Notes what it was sent; answers with a status, or not at all."""

    status: int = 204
    body: bytes = b""
    error: Exception | None = None
    heard: list[dict[str, Any]] = field(default_factory=list)

    def request(self, method: str, url: str, **more: Any) -> http.Response:
        """Take one request."""
        self.heard.append({"method": method, "url": url, **more})
        if self.error:
            raise self.error
        return http.Response(self.status, {}, self.body)


@pytest.fixture
def receiver(monkeypatch):
    """The server that every endpoint's address leads to."""
    found = Receiver()
    monkeypatch.setattr(http, "request", found.request)
    return found


@pytest.fixture
def endpoint(db) -> Endpoint:
    """An endpoint that is told of everything."""
    return outgoing.make(URL, outgoing.EVENTS.values(), actor="test")[0]
