"""Two ways to a bank: in the site's own process, and over HTTP to a process of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

import msgspec

from core import (
    HttpUnknown,
    HttpUnreachable,
    Money,
    ProviderRefused,
    ProviderUnknown,
    http_request,
)
from plugins.playmoney.bank import Bank, BankRefused, UnknownPayment, Wish
from plugins.playmoney.reports import Report
from plugins.playmoney.signature import api_key

PAGE = "/x/playmoney/pay/"


class Transport(Protocol):
    """What the provider needs of a bank; all raise ProviderRefused or ProviderUnknown."""

    @property
    def secret(self) -> bytes:
        """What the bank's messages are signed with."""

    def begin(self, wish: Wish) -> Report:
        """Start a payment, once per key."""

    def look_up(self, payee: str, name: str) -> Report | None:
        """Return a payment, or None when the bank has never heard of it."""

    def refund(self, payee: str, name: str, key: str, amount: Money) -> Report:
        """Give money back, once per key."""

    def cancel(self, payee: str, name: str) -> Report:
        """Let a payment go."""


class LocalBank:
    """A bank in the same process, whose page is one of the site's own."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank

    @property
    def secret(self) -> bytes:
        """What the bank's messages are signed with."""
        return self._bank.secret

    def begin(self, wish: Wish) -> Report:
        """Start a payment; its page stands on the site that the reader comes from."""
        report = self._ask("begin", lambda: self._bank.begin(wish))
        return msgspec.structs.replace(report, url=f"{origin(wish.return_url)}{PAGE}{report.ref}")

    def look_up(self, payee: str, name: str) -> Report | None:
        """Return a payment, or None when the bank has never heard of it."""
        try:
            return self._ask("look_up", lambda: self._bank.find(payee, name))
        except UnknownPayment:
            return None

    def refund(self, payee: str, name: str, key: str, amount: Money) -> Report:
        """Give money back, once per key."""
        return self._ask("refund", lambda: self._bank.refund(payee, name, key, amount))

    def cancel(self, payee: str, name: str) -> Report:
        """Let a payment go."""
        return self._ask("cancel", lambda: self._bank.cancel(payee, name))

    def _ask(self, operation: str, act: Callable[[], Report]) -> Report:
        """Ask the bank, with the trouble that a test set: then the answer is lost on its way."""
        fault = self._bank.faults.take(operation)
        try:
            report = act() if fault is None or fault.done else None
        except BankRefused as error:
            raise ProviderRefused(error.message) from error
        if fault is not None or report is None:
            raise ProviderUnknown("The bank did not answer.")
        return report


class RemoteBank:
    """A bank at an address; what is no whole, clear answer is unknown."""

    def __init__(self, url: str, secret: bytes, timeout: float = 10.0) -> None:
        self.secret = secret
        self._url = url.rstrip("/")
        self._host = urlsplit(url).netloc
        self._timeout = timeout

    def begin(self, wish: Wish) -> Report:
        """Start a payment, once per key."""
        return self._report(*self._ask("POST", "/v1/payments", msgspec.to_builtins(wish)))

    def look_up(self, payee: str, name: str) -> Report | None:
        """Return a payment, or None when the bank says that it has never heard of it."""
        status, answer = self._ask("GET", _path(name) + f"?payee={quote(payee, safe='')}")
        if status == 404 and answer.get("error") == "unknown payment":
            return None
        return self._report(status, answer)

    def refund(self, payee: str, name: str, key: str, amount: Money) -> Report:
        """Give money back, once per key."""
        sent = {"payee": payee, "key": key, "minor": amount.minor, "currency": amount.currency}
        return self._report(*self._ask("POST", _path(name) + "/refund", sent))

    def cancel(self, payee: str, name: str) -> Report:
        """Let a payment go."""
        return self._report(*self._ask("POST", _path(name) + "/cancel", {"payee": payee}))

    def _ask(self, method: str, path: str, sent: object = None) -> tuple[int, dict[str, Any]]:
        headers = {
            "Authorization": f"Bearer {api_key(self.secret)}",
            "Content-Type": "application/json",
        }
        body = None if sent is None else json.dumps(sent).encode()
        try:
            answer = http_request(
                method, self._url + path, hosts={self._host}, headers=headers, body=body,
                timeout=self._timeout,
            )  # fmt: skip
            found = answer.json()
        except (HttpUnknown, HttpUnreachable) as error:
            raise ProviderUnknown("The bank did not answer: {why}", why=error) from error
        if not isinstance(found, dict):
            raise ProviderUnknown("The bank’s answer makes no sense.")
        return answer.status, found

    def _report(self, status: int, answer: dict[str, Any]) -> Report:
        if 400 <= status < 500:
            raise ProviderRefused("The bank refused: {why}", why=answer.get("message", status))
        if status != 200:
            raise ProviderUnknown("The bank has trouble of its own.")
        try:
            return msgspec.convert(answer, Report)
        except msgspec.ValidationError as error:
            raise ProviderUnknown("The bank’s answer makes no sense.") from error


def _path(name: str) -> str:
    return f"/v1/payments/{quote(name, safe='')}"


def origin(url: str) -> str:
    """Return scheme and host of an address, and nothing of a path alone."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
