"""Two ways to a bank: in the site's own process, and over HTTP to a process of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol
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
from plugins.playmoney.reports import Kind, Report, Unreadable, read
from plugins.playmoney.signature import api_key
from plugins.playmoney.statement import Line

JSON = "application/json"
PAGE = "/x/playmoney/pay/"
UNHEARD = "unknown payment"
TOO_MANY = 429
"""“Not now” is no refusal: the same key is asked again later."""


class Unheard(ProviderRefused):
    """The bank has never heard of this payment."""


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

    def capture(self, payee: str, name: str) -> Report:
        """Take the money that is held."""

    def charge_saved(self, wish: Wish, token: str) -> Report:
        """Charge a kept method, once per key."""

    def forget(self, payee: str, name: str) -> Report:
        """Forget the method that was kept by a payment."""

    def account(self, payee: str, since: int, until: int) -> list[Line]:
        """Return a site's account between two instants, in microseconds UTC."""


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
        except Unheard:
            return None

    def refund(self, payee: str, name: str, key: str, amount: Money) -> Report:
        """Give money back, once per key."""
        return self._ask("refund", lambda: self._bank.refund(payee, name, key, amount))

    def cancel(self, payee: str, name: str) -> Report:
        """Let a payment go."""
        return self._ask("cancel", lambda: self._bank.cancel(payee, name))

    def capture(self, payee: str, name: str) -> Report:
        """Take the money that is held."""
        return self._ask("capture", lambda: self._bank.capture(payee, name))

    def charge_saved(self, wish: Wish, token: str) -> Report:
        """Charge a kept method, once per key."""
        return self._ask("charge_saved", lambda: self._bank.charge_saved(wish, token))

    def forget(self, payee: str, name: str) -> Report:
        """Forget the method that was kept by a payment."""
        return self._ask("forget", lambda: self._bank.forget(payee, name))

    def account(self, payee: str, since: int, until: int) -> list[Line]:
        """Return a site's account between two instants, in microseconds UTC."""
        return self._bank.account(payee, since, until)

    def _ask(self, operation: str, act: Callable[[], Report]) -> Report:
        """Ask the bank, with the trouble that a test set: then the answer is lost on its way."""
        fault = self._bank.faults.take(operation)
        try:
            report = act() if fault is None or fault.done else None
        except UnknownPayment as error:
            raise Unheard(error.message) from error
        except BankRefused as error:
            raise ProviderRefused(error.message) from error
        if fault is not None or report is None:
            raise ProviderUnknown("The bank did not answer.")
        return report


class Refusal(msgspec.Struct):
    """What the bank says with a no."""

    error: str
    message: str


class RemoteBank:
    """A bank at an address; what is no whole, clear answer is unknown."""

    def __init__(self, url: str, secret: bytes, timeout: float = 10.0) -> None:
        self.secret = secret
        self._url = url.rstrip("/")
        self._host = urlsplit(url).netloc
        self._timeout = timeout

    def begin(self, wish: Wish) -> Report:
        """Start a payment, once per key."""
        return self._ask("POST", "/v1/payments", msgspec.json.encode(wish))

    def look_up(self, payee: str, name: str) -> Report | None:
        """Return a payment, or None when the bank says that it has never heard of it."""
        try:
            return self._ask("GET", f"{_path(name)}?payee={quote(payee, safe='')}")
        except Unheard:
            return None

    def refund(self, payee: str, name: str, key: str, amount: Money) -> Report:
        """Give money back, once per key."""
        sent = {"payee": payee, "key": key, "minor": amount.minor, "currency": amount.currency}
        return self._ask("POST", _path(name) + "/refund", msgspec.json.encode(sent))

    def cancel(self, payee: str, name: str) -> Report:
        """Let a payment go."""
        return self._ask("POST", _path(name) + "/cancel", msgspec.json.encode({"payee": payee}))

    def capture(self, payee: str, name: str) -> Report:
        """Take the money that is held."""
        return self._ask("POST", _path(name) + "/capture", msgspec.json.encode({"payee": payee}))

    def charge_saved(self, wish: Wish, token: str) -> Report:
        """Charge a kept method, once per key."""
        sent = {"wish": wish, "token": token}
        return self._ask("POST", "/v1/charges", msgspec.json.encode(sent))

    def forget(self, payee: str, name: str) -> Report:
        """Forget the method that was kept by a payment."""
        return self._ask("POST", _path(name) + "/forget", msgspec.json.encode({"payee": payee}))

    def account(self, payee: str, since: int, until: int) -> list[Line]:
        """Return a site's account between two instants, in microseconds UTC."""
        asked = f"payee={quote(payee, safe='')}&since={since}&until={until}"
        return self._read("GET", f"/v1/account?{asked}", None, list[Line])

    def _ask(self, method: str, path: str, body: bytes | None = None) -> Report:
        return self._read(method, path, body, Report)

    def _read(self, method: str, path: str, body: bytes | None, kind: type[Kind]) -> Kind:
        headers = {"Authorization": f"Bearer {api_key(self.secret)}", "Content-Type": JSON}
        try:
            answer = http_request(
                method, self._url + path, hosts={self._host}, headers=headers, body=body,
                timeout=self._timeout,
            )  # fmt: skip
            if answer.status == 200:
                return read(answer.body, kind)
            if 400 <= answer.status < 500 and answer.status != TOO_MANY:
                raise _refused(read(answer.body, Refusal))
        except (HttpUnknown, HttpUnreachable, Unreadable) as error:
            raise ProviderUnknown("The bank did not answer: {why}", why=error) from error
        raise ProviderUnknown("The bank has trouble of its own.")


def _refused(refusal: Refusal) -> ProviderRefused:
    kind = Unheard if refusal.error == UNHEARD else ProviderRefused
    return kind("The bank refused: {why}", why=refusal.message)


def _path(name: str) -> str:
    return f"/v1/payments/{quote(name, safe='')}"


def origin(url: str) -> str:
    """Return scheme and host of an address, and nothing of a path alone."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
