"""People for tests: users who are signed in, their apps and passkeys, and what is sent to them."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import struct
import threading
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import cbor2
import pyotp
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from flask.testing import FlaskClient

from core import audit, mail, storage
from core.clock import now
from core.doors import Guest
from core.people import passwords, sessions, two_factor, users
from core.people.passkeys import Place
from core.people.users import User
from core.storage import execute, transaction

EMAIL, OTHER_EMAIL = "ada@example.org", "bea@example.org"
PASSWORD = "seven violet umbrellas sing"
HOST = "localhost"
PLACE = Place(HOST, f"http://{HOST}", "Obolo")
PHONE = "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0"
SESSION_COOKIE = "obolo-session"
UP, VERIFIED, ATTESTED = 0x01, 0x04, 0x40
"""Flags of an authenticator's data (WebAuthn level 3, 6.1)."""


# What is sent


@dataclass(frozen=True)
class Letter:
    """A message as it was given to the outbox."""

    id: str
    recipient: str
    subject: str
    body: str
    language: str
    holder: str


class Outbox:
    """What was sent since the test began; what was rolled back was never sent."""

    def __init__(self) -> None:
        self.given: list[Letter] = []

    @property
    def letters(self) -> list[Letter]:
        """Return the messages that the database keeps, oldest first."""
        kept = {row[0] for row in execute("SELECT id FROM mail_message").fetchall()}
        return [letter for letter in self.given if letter.id in kept]

    def to(self, recipient: str) -> list[Letter]:
        """Return the messages to an address, oldest first."""
        return [letter for letter in self.letters if letter.recipient == recipient]

    def last(self, recipient: str = EMAIL) -> Letter:
        """Return the newest message to an address."""
        return self.to(recipient)[-1]

    def clear(self) -> None:
        """Look only at what is sent from now on."""
        self.given.clear()


def watched_mail(monkeypatch: pytest.MonkeyPatch) -> Outbox:
    """Return the outbox of a test; the fixture `outbox` of tests/conftest.py calls this."""
    outbox, send = Outbox(), mail.send

    def noted(
        recipient: str, subject: str, body: str, language: str, *, holder: str = "", **rest: Any
    ) -> str:
        id = send(recipient, subject, body, language, holder=holder, **rest)
        outbox.given.append(Letter(id, recipient, subject, body, language, holder))
        return id

    monkeypatch.setattr(mail, "send", noted)
    return outbox


def digits_of(letter: Letter) -> str:
    """Return the six digits that a message carries."""
    return re.findall(r"\b\d{6}\b", letter.body)[0]


def wrong_digits(letter: Letter) -> str:
    """Return six digits that a message does not carry."""
    return f"{(int(digits_of(letter)) + 1) % 10**6:06}"


def link_of(letter: Letter) -> str:
    """Return the path of the link that a message carries."""
    return re.findall(r"https?://[^/\s]+(/\S*)", letter.body)[0]


def token_of(letter: Letter) -> str:
    """Return the token in a message's link."""
    return link_of(letter).rpartition("/")[2]


# Who knocks


def guest(*holders: str, address: str = "203.0.113.9", language: str = "en") -> Guest:
    """Return somebody at the door."""
    return Guest(address, PHONE, language, holders)


def make_user(
    email: str = EMAIL, *, password: str = "", app: bool = False, **more: Any
) -> tuple[User, str]:
    """Return a new user and the secret of their app, empty when they have none.

    The code that the app shows now was not used yet.
    """
    hashed = passwords.hashed(password) if password else None
    user = users.create(email=email, password=hashed, **more)
    seed = two_factor.new_seed() if app else ""
    if app:
        assert two_factor.enrol(user, seed, code_of(seed, steps=-1))
    return users.find(user.id), seed


def code_of(seed: str, *, steps: int = 0) -> str:
    """Return what an app shows now, or so many steps of 30 seconds later."""
    return pyotp.TOTP(seed).at(now() + timedelta(seconds=30 * steps))


def wrong_code(seed: str) -> str:
    """Return a code that no app near this one shows."""
    near = {code_of(seed, steps=steps) for steps in range(-3, 4)}
    return next(code for code in ("000000", "111111", *map(str, range(222222, 222232)))
                if code not in near)  # fmt: skip


@dataclass(frozen=True)
class Person:
    """Somebody who is signed in with a test's client."""

    user: User
    client: FlaskClient
    seed: str = ""

    @property
    def token(self) -> str:
        """Return the token that the browser carries now."""
        cookie = self.client.get_cookie(SESSION_COOKIE)
        return cookie.value if cookie else ""

    @property
    def csrf(self) -> str:
        """Return what a form of this session carries."""
        return csrf_of(self.client)

    def code(self, *, steps: int = 0) -> str:
        """Return what the app shows now, or so many steps later."""
        return code_of(self.seed, steps=steps)

    def post(self, path: str, **form: str) -> Any:
        """Send a form as the site's own page would."""
        return self.client.post(path, data={"csrf": self.csrf, **form})


def signed_in(
    client: FlaskClient, role: str = "reader", *, email: str = EMAIL, app: bool | None = None,
    strong: bool | None = None, proved: bool = True, **more: Any,
) -> Person:  # fmt: skip
    """Make a user and sign them in, without any page.

    Staff have an app, and showed it, unless said otherwise; `proved` is a step-up just now.
    """
    is_staff = role != "reader"
    with client.application.app_context():
        user, seed = make_user(email, role=role, app=is_staff if app is None else app, **more)
        token = sessions.start(
            user.id, strong=is_staff if strong is None else strong, proved=proved, agent=PHONE
        )
    client.set_cookie(SESSION_COOKIE, token)
    return Person(user, client, seed)


def csrf_of(client: FlaskClient, page: str = "/account/") -> str:
    """Return the token in a page's forms, for whoever is signed in."""
    return re.findall(r'name="csrf" value="([0-9a-f]+)"', client.get(page).text)[0]


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
