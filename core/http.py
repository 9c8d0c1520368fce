"""The one way out: a client that calls declared hosts only, follows nothing, and knows its doubt.

Each error says whether something may have happened at the other end. HttpUnreachable: nothing was
sent. HttpUnknown: it may have been done, so the caller must ask again before it believes anything.
"""

from __future__ import annotations

import http.client
import io
import ipaddress
import re
import socket
import ssl
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, cast
from urllib.parse import SplitResult, urlsplit

import msgspec

from core.errors import Unavailable

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
PORTS = {"https": 443, "http": 80}
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
URL_CHARACTERS = re.compile(r"[\x21-\x7e]{1,4000}")
HEADER_NAME = re.compile(r"[a-z0-9-]{1,100}")
TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
"""IPv6 addresses that a NAT64 turns into any IPv4 address, private ones too (RFC 6052)."""
CHUNK = 64 * 1024

IP = ipaddress.IPv4Address | ipaddress.IPv6Address


class HttpUnreachable(Unavailable):
    """No request left this machine, so nothing can have happened."""


class HttpRefused(HttpUnreachable):
    """This client may not call that address: not declared, not encrypted, or a private one."""


class HttpUnknown(Unavailable):
    """A request was sent and no whole answer came back: it may have been done, or not."""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, of whatever status; header names are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body read as JSON. Raises HttpUnknown when it is none."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, RecursionError) as error:
            raise HttpUnknown(f"The answer (status {self.status}) is no JSON.") from error


def request(
    method: str,
    url: str,
    *,
    hosts: Collection[str],
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    timeout: float = 10.0,
    most_bytes: int = 1_000_000,
    outside: bool = False,
) -> Response:
    """Send one request and return the answer, a redirect too, without following it.

    `hosts` are those that the plugin declared, as `api.example.com` or `127.0.0.1:8001`. It takes
    `timeout` seconds at most from the first byte sent to the last one read. With `outside` this
    machine is no more callable than a private network. Proxies named in the environment are not
    used. Raises HttpRefused, HttpUnreachable and HttpUnknown.
    """
    deadline = time.monotonic() + timeout
    target = _checked(method, url, hosts)
    if outside:
        check_outside(url)
    connection = _Connection(target, deadline)
    try:
        _write_head(connection, method, target, headers or {}, body)
        connection.connect()
        try:
            connection.endheaders(body)
            return _read(connection.getresponse(), most_bytes)
        except (OSError, ValueError, http.client.HTTPException) as error:
            where = f"{method} {target.scheme}://{target.netloc}"
            raise HttpUnknown(f"{where}: no whole answer ({type(error).__name__}).") from error
    finally:
        connection.close()


def check_outside(url: str) -> None:
    """Refuse an address that somebody chose unless it is encrypted and not this machine.

    What its name stands for is looked up and judged when it is called. Raises HttpRefused.
    """
    try:
        target = urlsplit(url)
        host, port = target.hostname or "", target.port
    except ValueError:
        raise HttpRefused("This is no web address.") from None
    if not (URL_CHARACTERS.fullmatch(url) and host) or "@" in target.netloc or port == 0:
        raise HttpRefused("This is no web address that can be called.")
    if target.scheme != "https":
        raise HttpRefused("The address must start with https://.")
    if host in LOOPBACK or not _is_outside(host):
        raise HttpRefused("This address stands in a private network.")


def _is_outside(host: str) -> bool:
    """Tell whether a host is a name, or a number that may be called."""
    try:
        return _may_call(host, loopback=False)
    except ValueError:
        last = host.rstrip(".").rpartition(".")[2]
        if last in ("", host) or last.isdigit():  # `intranet`, or a number in an odd form
            return False
        return not host.rstrip(".").endswith((".localhost", ".local", ".internal"))


def _checked(method: str, url: str, hosts: Collection[str]) -> SplitResult:
    """Take an address apart that may be called, or raise HttpRefused."""
    if method not in METHODS:
        raise HttpRefused(f"“{method}” is no method that this client sends.")
    try:
        target = urlsplit(url)
        host, port = target.hostname or "", target.port or PORTS.get(target.scheme, 0)
    except ValueError:
        raise HttpRefused("This is no web address.") from None
    if not (URL_CHARACTERS.fullmatch(url) and host) or "@" in target.netloc:
        raise HttpRefused("This is no web address that can be called.")
    if target.scheme != "https" and not (target.scheme == "http" and host in LOOPBACK):
        raise HttpRefused(f"Calls to {host} must be encrypted: write https://.")
    named = {f"{host}:{port}", f"[{host}]:{port}"}
    if port == PORTS[target.scheme]:
        named |= {host, f"[{host}]"}
    if named.isdisjoint(entry.lower() for entry in hosts):
        raise HttpRefused(f"{target.netloc} is not among the declared hosts.")
    return target


def _write_head(
    connection: http.client.HTTPConnection,
    method: str,
    target: SplitResult,
    headers: Mapping[str, str],
    body: bytes | None,
) -> None:
    """Put the head into the buffer; nothing is sent yet."""
    path = (target.path or "/") + (f"?{target.query}" if target.query else "")
    sent = {"user-agent": "Obolo"} | {name.lower(): value for name, value in headers.items()}
    sent |= {"host": target.netloc, "connection": "close"}
    if body is not None or method in {"POST", "PUT", "PATCH"}:
        sent["content-length"] = str(len(body or b""))
    if not all(HEADER_NAME.fullmatch(name) for name in sent):
        raise HttpRefused("A header’s name holds odd characters.")
    try:
        connection.putrequest(method, path, skip_host=True)
        for name, value in sent.items():
            connection.putheader(name, value)
    except ValueError as error:
        raise HttpRefused(f"A header cannot be sent: {error}.") from None


def _read(answer: http.client.HTTPResponse, most_bytes: int) -> Response:
    pieces, size = [], 0
    while piece := answer.read1(CHUNK):
        size += len(piece)
        if size > most_bytes:
            raise HttpUnknown(f"The answer is longer than {most_bytes} bytes.")
        pieces.append(piece)
    if answer.length:  # `read1` does not say that the other end stopped early
        raise HttpUnknown(f"The answer ends {answer.length} bytes too early.")
    headers = {name.lower(): value for name, value in answer.getheaders()}
    return Response(answer.status, headers, b"".join(pieces))


def _addresses(host: str, port: int) -> list[str]:
    """Look a host up; raise HttpRefused unless one of its addresses may be called."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise HttpUnreachable(f"{host} cannot be found.") from error
    addresses = [str(entry[4][0]) for entry in found]
    usable = [text for text in addresses if _may_call(text, loopback=host in LOOPBACK)]
    if not usable:
        raise HttpRefused(f"{host} stands in a private network.")
    return usable


def _may_call(text: str, *, loopback: bool) -> bool:
    address: IP = ipaddress.ip_address(text.partition("%")[0])
    if loopback:
        return address.is_loopback
    if isinstance(address, ipaddress.IPv6Address):
        if address in TRANSLATED:
            address = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        else:
            address = address.ipv4_mapped or address.sixtofour or address
    return address.is_global and not address.is_multicast


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


class _Connection(http.client.HTTPConnection):
    """A connection to an address that was looked up and judged once, within one deadline."""

    auto_open = 0

    def __init__(self, target: SplitResult, deadline: float) -> None:
        super().__init__(target.hostname or "", target.port or PORTS[target.scheme])
        self._encrypted = target.scheme == "https"
        self._deadline = deadline

    def connect(self) -> None:
        """Connect to the first address that answers. Raises HttpUnreachable."""
        last: Exception | None = None
        for address in _addresses(self.host, self.port):
            try:
                plain = socket.create_connection((address, self.port), _left(self._deadline))
                wire = _Wire(self._secured(plain), self._deadline)
            except OSError as error:
                last = error
            else:
                self.sock = cast("socket.socket", wire)
                return
        raise HttpUnreachable(f"{self.host} cannot be reached ({type(last).__name__}).") from last

    def _secured(self, plain: socket.socket) -> socket.socket:
        if not self._encrypted:
            return plain
        try:
            return _tls().wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise


class _Wire:
    """What http.client needs of a socket, with one deadline for all waits together."""

    def __init__(self, plain: socket.socket, deadline: float) -> None:
        self._socket = plain
        self._deadline = deadline

    def makefile(self, _mode: str) -> io.BufferedReader:
        """Return what an answer is read from; the socket closes after both are closed."""
        return io.BufferedReader(_Reader(self._socket, self._deadline))

    def sendall(self, data: bytes) -> None:
        """Send all of it before the deadline."""
        self._socket.settimeout(_left(self._deadline))
        self._socket.sendall(data)

    def close(self) -> None:
        """Close the socket, or let its reader do so."""
        self._socket.close()


class _Reader(io.RawIOBase):
    """Reads from a socket until a deadline, however slowly the other end drips."""

    def __init__(self, plain: socket.socket, deadline: float) -> None:
        self._socket = plain
        self._raw = plain.makefile("rb", buffering=0)
        self._deadline = deadline

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Read what is there, or wait for it."""
        self._socket.settimeout(_left(self._deadline))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        """Let go of the socket."""
        self._raw.close()
        super().close()


def _left(deadline: float) -> float:
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("the time is up")
    return seconds
