"""The way to PayPal: one authenticated transport, which knows a no from not knowing.

Of PayPal's deprecated package `paypalrestsdk` the constructor, the verbs and the basic
authentication are used. Its transport, its token and its errors are replaced: it follows redirects,
has no time-out, asks again without end when it is not let in, and sends the key of an operation to
the token's address as well. Without the package the few lines of `plain.py` do.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

import msgspec

from core import HttpUnknown, HttpUnreachable, ProviderRefused, ProviderUnknown, http_request
from plugins.paypal import plain

Json = dict[str, Any]
ID = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)
"""Every id that goes into a path: a hostile one would walk through PayPal's interface."""
KEY = re.compile(r"[\x21-\x7e]{1,108}", re.ASCII)
"""What `PayPal-Request-Id` may be (Orders v2)."""
NOT_NOW = frozenset({409, 429})
"""Answers that are no refusal: the same key is asked again."""
AGAIN = frozenset({429, 500, 502, 503, 504})
MARGIN_SECONDS = 60.0
TOKEN = "/v1/oauth2/token"  # noqa: S105 - an address


class NotLetIn(ProviderUnknown):
    """PayPal does not know the client id and secret: only the owner can mend that."""


class PayPalRefused(ProviderRefused):
    """PayPal said no. `issue` is its own word for why, such as `INSTRUMENT_DECLINED`."""

    def __init__(self, status_code: int, issue: str, debug_id: str) -> None:
        super().__init__("PayPal refused: {why} ({debug})", why=issue, debug=debug_id)
        self.status_code = status_code
        self.issue = issue


def path_id(text: str) -> str:
    """Return an id that may stand in a path. Raises ProviderRefused for anything else."""
    if not ID.fullmatch(text or ""):
        raise ProviderRefused("This is no id of PayPal’s.")
    return text


def package() -> Any:
    """Return the class whose verbs and authentication are used: PayPal's own while there is one."""
    try:
        return import_module("paypalrestsdk.api").Api
    except ImportError:
        return plain.Api


class Wire:
    """PayPal's interface at one address, for one client id.

    What is read, or asked with a key, is asked once more after an answer that says nothing. Raises
    PayPalRefused, NotLetIn and ProviderUnknown.
    """

    def __init__(
        self, url: str, client_id: str, secret: str, *, timeout: float = 20.0, retries: int = 1,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:  # fmt: skip
        # “live” is what turns off the package's logging of secrets; the address says where to go
        self._api = package()(mode="live", endpoint=url, client_id=client_id, client_secret=secret)
        self._api.request = self._request
        self._url, self._host = url.rstrip("/"), urlsplit(url).netloc
        self._timeout, self._retries, self._sleep = timeout, retries, sleep
        self._lock = threading.Lock()
        self._token, self._until = "", 0.0

    def get(self, path: str) -> Json:
        """Read something."""
        return self._read(self._api.get(path))

    def post(self, path: str, body: Json | None = None, key: str = "") -> Json:
        """Ask for something, once per key."""
        headers = {"Prefer": "return=representation"} | ({"PayPal-Request-Id": key} if key else {})
        return self._read(self._api.post(path, body, headers))

    def verify(self, path: str, raw: bytes) -> Json:
        """Ask what changes nothing, with a body that goes out byte by byte as it is."""
        return self._read(self._request(self._url + path, "POST", raw, {}, changes=False))

    def delete(self, path: str) -> None:
        """Take something away."""
        self._api.delete(path)

    @staticmethod
    def _read(found: Any) -> Json:
        if not isinstance(found, dict):
            raise ProviderUnknown("PayPal’s answer makes no sense.")
        return found

    def _request(
        self, url: str, method: str, body: Any = None, headers: Mapping[str, str] | None = None,
        *, changes: bool = True, **_: Any,
    ) -> Any:  # fmt: skip
        """Stand in for the package's `request`: the verbs lead here."""
        sent = dict(headers or {})
        key = sent.get("PayPal-Request-Id", "")
        assert not key or KEY.fullmatch(key), key
        raw = None
        if method == "POST":
            raw = body if isinstance(body, bytes) else json.dumps(body, allow_nan=False).encode()
        left = self._retries if key or method == "GET" or not changes else 0
        while True:
            try:
                status, answer = self._let_in(url, method, raw, sent)
            except ProviderUnknown:
                if not left:
                    raise
            else:
                if status not in AGAIN or not left:
                    return _judged(status, answer)
            left -= 1
            self._sleep(0.5)

    def _let_in(
        self, url: str, method: str, raw: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, Any]:
        """Send with a token; one that is no longer taken is renewed once, never again."""
        token = self._fresh_token("")
        status, answer = self._send(
            url, method, raw, {**headers, "Authorization": f"Bearer {token}"}
        )
        if status == 401:
            token = self._fresh_token(token)
            bearer = {**headers, "Authorization": f"Bearer {token}"}
            status, answer = self._send(url, method, raw, bearer)
        return status, answer

    def _send(
        self, url: str, method: str, raw: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, Any]:
        sent = {
            "Accept": "application/json", "Content-Type": "application/json",
            "User-Agent": self._api.user_agent.split(" (")[0], **headers,
        }  # fmt: skip
        try:
            answer = http_request(
                method, url, hosts={self._host}, headers=sent, body=raw, timeout=self._timeout
            )
        except (HttpUnknown, HttpUnreachable) as error:
            raise ProviderUnknown("PayPal did not answer: {why}", why=error) from error
        try:
            found = msgspec.json.decode(answer.body) if answer.body else {}
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            found = None
        if isinstance(found, dict):
            found.setdefault("debug_id", answer.headers.get("paypal-debug-id", ""))
        return answer.status, found

    def _fresh_token(self, stale: str) -> str:
        """Return the token of this process, renewed a minute before its end or once it is stale."""
        with self._lock:
            if self._token and self._token != stale and time.monotonic() < self._until:
                return self._token
            headers = {
                "Authorization": f"Basic {self._api.basic_auth()}",
                "Content-Type": "application/x-www-form-urlencoded",
            }
            raw = b"grant_type=client_credentials"
            status, found = self._send(self._url + TOKEN, "POST", raw, headers)
            if 400 <= status < 500 and status not in NOT_NOW:
                raise NotLetIn("PayPal does not know this client id and secret.")
            token = found.get("access_token") if status == 200 and isinstance(found, dict) else None
            if not isinstance(token, str) or not KEY_OF_TOKEN.fullmatch(token):
                raise ProviderUnknown("PayPal gave no token.")
            life = float(found.get("expires_in") or 0)
            self._until = time.monotonic() + life - min(MARGIN_SECONDS, life / 10)
            self._token = token
            return token


KEY_OF_TOKEN = re.compile(r"[\x21-\x7e]{1,4000}", re.ASCII)


def _judged(status: int, answer: Any) -> Any:
    """Return a good answer; raise what a bad one means."""
    if 200 <= status <= 299 and answer is not None:
        return answer
    if status == 401:
        raise NotLetIn("PayPal does not let this site in.")
    if 400 <= status <= 499 and status not in NOT_NOW and isinstance(answer, dict):
        raise PayPalRefused(status, _issue(answer), str(answer.get("debug_id", "")))
    raise ProviderUnknown("PayPal has trouble of its own (status {status}).", status=status)


def _issue(answer: Json) -> str:
    """Return PayPal's word for what is wrong: the first detail's issue, or the error's name."""
    details = answer.get("details")
    first = details[0] if isinstance(details, list) and details else {}
    issue = first.get("issue") if isinstance(first, dict) else None
    return str(issue or answer.get("name") or answer.get("error") or "UNKNOWN")[:100]
