"""People for tests: users who are signed in, their apps and passkeys, and what is sent to them."""

from __future__ import annotations

import hashlib
import json
import secrets
import struct
import threading
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from core import audit, storage
from core.doors import Guest
from core.people.passkeys import Place
from core.storage import execute, transaction
from core.testing.mailbox import EMAIL, Letter, Outbox, digits_of, link_of, watched_mail
from core.testing.people import (
    PHONE,
    SESSION_COOKIE,
    Person,
    code_of,
    csrf_of,
    make_user,
    signed_in,
)

__all__ = [
    "EMAIL", "PHONE", "SESSION_COOKIE", "Letter", "Outbox", "Person", "code_of", "csrf_of",
    "digits_of", "link_of", "make_user", "signed_in", "watched_mail",
]  # fmt: skip
OTHER_EMAIL = "bea@example.org"
PASSWORD = "seven violet umbrellas sing"
HOST = "localhost"
PLACE = Place(HOST, f"http://{HOST}", "Obolo")
UP, VERIFIED, ATTESTED = 0x01, 0x04, 0x40
"""Flags of an authenticator's data (WebAuthn level 3, 6.1)."""


# What is sent


def wrong_digits(letter: Letter) -> str:
    """Return six digits that a message does not carry."""
    return f"{(int(digits_of(letter)) + 1) % 10**6:06}"


def token_of(letter: Letter) -> str:
    """Return the token in a message's link."""
    return link_of(letter).rpartition("/")[2]


# Who knocks


def guest(*holders: str, address: str = "203.0.113.9", language: str = "en") -> Guest:
    """Return somebody at the door."""
    return Guest(address, PHONE, language, holders)


def wrong_code(seed: str) -> str:
    """Return a code that no app near this one shows."""
    near = {code_of(seed, steps=steps) for steps in range(-3, 4)}
    return next(code for code in ("000000", "111111", *map(str, range(222222, 222232)))
                if code not in near)  # fmt: skip


# Passkeys


def encoded(data: bytes) -> str:
    """Return bytes in base64url without padding, as WebAuthn writes them in JSON."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """Return the bytes that `encoded` wrote."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class _Key:
    """One passkey on a device."""

    secret: ec.EllipticCurvePrivateKey
    host: str
    user: bytes
    signs: int = 0


@dataclass
class Device:
    """An authenticator in memory: P-256 keys, no attestation, what `toJSON` of a browser returns.

    A device that is `synced` counts nothing. `origin`, `host` and `flags` can lie.
    """

    origin: str = PLACE.origin
    host: str = ""
    synced: bool = False
    flags: int = UP | VERIFIED
    keys: dict[str, _Key] = field(default_factory=dict)

    def make(self, options: dict[str, Any]) -> dict[str, Any]:
        """Answer what `options_to_make` asks for."""
        id = secrets.token_bytes(32)
        key = _Key(
            ec.generate_private_key(ec.SECP256R1()), options["rp"]["id"],
            decoded(options["user"]["id"]),
        )  # fmt: skip
        self.keys[encoded(id)] = key
        numbers = key.secret.public_key().public_numbers()
        public = cbor2.dumps({
            1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32),
        })  # fmt: skip
        attested = bytes(16) + struct.pack(">H", len(id)) + id + public
        data = self._data(key, ATTESTED) + attested
        return _credential(encoded(id), {
            "clientDataJSON": encoded(self._asked("webauthn.create", options)),
            "attestationObject": encoded(
                cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
            ),
            "transports": ["internal"],
        })  # fmt: skip

    def show(self, options: dict[str, Any]) -> dict[str, Any]:
        """Answer what `options_to_show` asks for, with the first key that fits."""
        allowed = [one["id"] for one in options.get("allowCredentials", [])]
        id = next(id for id in self.keys if not allowed or id in allowed)
        return self.show_key(id, options)

    def show_key(self, id: str, options: dict[str, Any]) -> dict[str, Any]:
        """Answer with one of the keys, whichever was asked for."""
        key = self.keys[id]
        key.signs += 0 if self.synced else 1
        data, asked = self._data(key), self._asked("webauthn.get", options)
        signature = key.secret.sign(
            data + hashlib.sha256(asked).digest(), ec.ECDSA(hashes.SHA256())
        )
        return _credential(id, {
            "clientDataJSON": encoded(asked), "authenticatorData": encoded(data),
            "signature": encoded(signature), "userHandle": encoded(key.user),
        })  # fmt: skip

    def _data(self, key: _Key, more_flags: int = 0) -> bytes:
        host = self.host or key.host
        flags = bytes([self.flags | more_flags])
        return hashlib.sha256(host.encode()).digest() + flags + struct.pack(">I", key.signs)

    def _asked(self, kind: str, options: dict[str, Any]) -> bytes:
        asked = {
            "type": kind, "challenge": options["challenge"], "origin": self.origin,
            "crossOrigin": False,
        }  # fmt: skip
        return json.dumps(asked).encode()


def _credential(id: str, response: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": id, "rawId": id, "type": "public-key", "response": response,
        "authenticatorAttachment": "platform", "clientExtensionResults": {},
    }  # fmt: skip


# All or nothing

TABLES = ("user", "claim", "session", "passkey", "recovery", "code", "contact")


def kept() -> dict[str, list[Any]]:
    """Return every row of people, events and messages, to be compared with a later look."""
    names = (*(f"people_{name}" for name in TABLES), "audit_event", "mail_message")
    return {name: sorted(map(repr, execute(f"SELECT * FROM {name}").fetchall())) for name in names}


def events(action: str) -> int:
    """Return how many events of a kind the audit log has."""
    return len(audit.events(action=action))


def assert_one_with_its_event(
    monkeypatch: pytest.MonkeyPatch, action: str, act: Callable[[], Any]
) -> Any:
    """Check that a change and its event are stored together or not at all; return what it did."""

    def fail(*_words: Any, **_more: Any) -> None:
        raise Broken

    before = kept()
    with monkeypatch.context() as patch:
        patch.setattr(audit, "record", fail)
        with pytest.raises(Broken):
            act()
    assert kept() == before, "the change stands without its event"
    count = events(action)
    done = act()
    assert events(action) == count + 1
    return done


def undone(act: Callable[[], Any]) -> Any:
    """Do something in a transaction that is rolled back; return what it seemed to do."""
    done: list[Any] = []

    def fail() -> None:
        with transaction():
            done.append(act())
            raise Broken

    with pytest.raises(Broken):
        fail()
    return done[0]


class Broken(Exception):
    """What a test lets fail in the middle of a change."""


# At once


def slowed(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> None:
    """Let everybody pause after a look, so that another one can come between it and the write."""
    look = getattr(module, name)

    def slow(*words: Any, **more: Any) -> Any:
        found = look(*words, **more)
        time.sleep(0.2)
        return found

    monkeypatch.setattr(module, name, slow)


def at_once(act: Callable[[int], Any], times: int) -> list[Any]:
    """Call `act` with 0, 1, 2 ... in threads that start together; an exception is an answer."""
    start = threading.Barrier(times)

    def one(number: int) -> Any:
        try:
            start.wait(10)
            return act(number)
        except Exception as error:  # noqa: BLE001 - the test looks at it
            return error
        finally:
            if storage.database.obj is not None:
                storage.close()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(one, range(times)))
