"""What is used of PayPal's own package, for the day on which it can no longer be installed."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any


class Api:
    """The names and verbs of `paypalrestsdk.Api`; whoever uses it replaces `request`."""

    user_agent = "Obolo"

    def __init__(self, *, mode: str, endpoint: str, client_id: str, client_secret: str) -> None:
        self.endpoint = endpoint
        self.client_id = client_id
        self.client_secret = client_secret

    def basic_auth(self) -> str:
        """Return what stands behind `Basic` in the header that asks for a token."""
        return base64.b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode()

    def request(self, url: str, method: str, body: Any = None, headers: Any = None) -> Any:
        """Send nothing: there is no transport of one's own here."""
        raise NotImplementedError

    def get(self, action: str, headers: Mapping[str, str] | None = None) -> Any:
        """Read something."""
        return self.request(self._url(action), "GET", headers=headers or {})

    def post(
        self, action: str, params: Any = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        """Make or do something."""
        return self.request(self._url(action), "POST", body=params or {}, headers=headers or {})

    def delete(self, action: str, headers: Mapping[str, str] | None = None) -> Any:
        """Take something away."""
        return self.request(self._url(action), "DELETE", headers=headers or {})

    def _url(self, action: str) -> str:
        return f"{self.endpoint.rstrip('/')}/{action.lstrip('/')}"
