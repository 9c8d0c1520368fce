"""Whoever may stand before a route: of every role, with a second factor or without, sure or not."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import cached_property
from itertools import product

from flask import Flask

from core import checkout, entitlements, orders
from core.clock import now
from core.orders import Grant, Line
from core.payments import methods, records
from core.people import Reader, passkeys, passwords, sessions, signed_in, two_factor, users
from core.people.holders import LOOPBACK_COOKIE
from core.people.users import User
from core.plugins import site_home
from core.settings import value
from core.storage import backup, execute, insert, micros, new_id, transaction, vault
from plugins.playmoney.chosen import local_bank
from tests.conftest import browser_of
from tests.people import PASSWORD, PHONE, PLACE, SESSION_COOKIE, Device, code_of
from tests.stand_in import eur

SEED = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
STAFF = ("author", "editor", "bookkeeper", "owner")
ROLES = ("nobody", "guest", "reader", *STAFF)


@dataclass(frozen=True)
class Kind:
    """What a person is, and what the site knows of who sits there.

    `protected`: the user has a second factor. `strong`: it was shown. `confirmed`: just now.
    """

    role: str
    protected: bool = False
    strong: bool = False
    confirmed: bool = False

    @property
    def signed_in(self) -> bool:
        """Whether there is a user."""
        return self.role not in ("nobody", "guest")

    def __str__(self) -> str:
        marks = [name for name in ("protected", "strong", "confirmed") if getattr(self, name)]
        return "/".join((self.role, *marks))


def kinds(role: str, *, every: bool = False) -> list[Kind]:
    """Return the states in which somebody of a role can be, the freshly proved one first.

    With `every` all that there are; else those from which what stands before a view differs.
    """
    if not Kind(role).signed_in:
        return [Kind(role)]
    if every and role in ("reader", "owner"):
        sure = ((False, False), (True, False), (True, True))
        return [Kind(role, *shown, confirmed) for shown, confirmed in product(sure, (True, False))]
    known = [Kind(role, *[True] * 3), Kind(role, *[True] * 2)]
    return [*known, Kind(role, confirmed=True), Kind(role, protected=True, confirmed=True)]


class Person:
    """Somebody with a browser at a site, and what belongs to them."""

    def __init__(self, app: Flask, kind: Kind) -> None:
        self.app, self.kind = app, kind
        self.client = browser_of(app)
        self.holder = self.csrf = ""
        if kind.role == "guest":
            self.holder = new_id("gst")
            signed = app.extensions["obolo_signer"].sign(self.holder).decode()
            self.client.set_cookie(LOOPBACK_COOKIE, signed)
        elif kind.signed_in:
            self._sign_in()

    def _sign_in(self) -> None:
        self.user = new_user(self.kind.role, protected=self.kind.protected)
        self.holder = self.user.id
        token = sessions.start(
            self.holder, strong=self.kind.strong, proved=self.kind.confirmed, agent=PHONE
        )
        self.client.set_cookie(SESSION_COOKIE, token)
        headers = {"Cookie": f"{SESSION_COOKIE}={token}"}
        with self.app.test_request_context(headers=headers):
            self.csrf = signed_in.csrf_token()

    @cached_property
    def stranger(self) -> Person:
        """Somebody else, of the same kind; a nobody's stranger is a guest."""
        return Person(self.app, self.kind if self.kind.role != "nobody" else Kind("guest"))

    @cached_property
    def somebody(self) -> Person:
        """This person; for who is not signed in a reader who is."""
        return self if self.kind.signed_in else Person(self.app, Kind("reader", True, True, True))

    @property
    def reader(self) -> Reader:
        """What core knows this person as."""
        user = self.holder if self.kind.signed_in else None
        return Reader(self.holder, (self.holder,), user)


def new_email() -> str:
    """Return an address that nobody has."""
    return f"{secrets.token_hex(8)}@example.org"


_hash: list[str] = []


def new_user(role: str = "reader", *, protected: bool = False) -> User:
    """Return a user with PASSWORD; one that is protected has the app of SEED and a passkey."""
    if not _hash:
        _hash.append(passwords.hashed(PASSWORD))
    user = users.create(email=new_email(), role=role, password=_hash[0])
    if protected:
        assert any(two_factor.enrol(user, SEED, code_of(SEED, steps=-1)) for _ in range(2))
        new_passkey(user.id)
    return user


def new_passkey(user_id: str) -> str:
    """Give a user a passkey that no device has; return its id."""
    key_id = secrets.token_urlsafe(12)
    name = vault.seal(
        "Telephone", table="people_passkey", column="name", row=key_id, subject=f"person:{user_id}"
    )
    with transaction():
        insert("people_passkey", {
            "id": key_id, "user_id": user_id, "public_key": b"none", "signs": 0, "name": name,
            "created": micros(now()), "used": None,
        })  # fmt: skip
    return key_id


def shown_passkey() -> dict[str, object]:
    """Return what the device of a user shows who signs in with a passkey."""
    user, device = new_user(), Device()
    passkeys.make(user.id, device.make(passkeys.options_to_make(user.id, "", PLACE)), "", PLACE)
    return device.show(passkeys.options_to_show(PLACE))


def open_order(person: Person) -> str:
    """Return an order that this person can pay."""
    line = Line("Read this post", eur(300), "income:posts", (Grant(f"post:{new_id('x')}"),))
    return checkout.start_order(person.reader, (line,), return_to="/library/").id


def begun_payment(person: Person) -> str:
    """Return the bank's name for a payment that this person has begun."""
    order = open_order(person)
    checkout.pay(order, "playmoney", person.reader, "http://localhost/library/")
    (payment,) = records.of_order(order)
    return str(payment.ref)


def waiting_payment(person: Person) -> str:
    """Return a payment that this person has begun, of which nobody knows how it ends."""
    order = open_order(person)
    checkout.pay(order, "playmoney", person.reader, "http://localhost/library/")
    return records.of_order(order)[0].id


def topped_up(person: Person) -> str:
    """Return an order by which this person paid into their balance."""
    line = Line("Paid in", eur(500), f"liabilities:wallet:{person.holder}")
    with person.app.test_request_context():
        return paid_at_bank(person, checkout.start_order(person.reader, (line,)).id)


def settled_order(person: Person) -> str:
    """Return an order that this person paid at the bank."""
    return paid_at_bank(person, open_order(person))


def paid_at_bank(person: Person, order: str) -> str:
    """Return an order after this person paid it."""
    checkout.pay(order, "playmoney", person.reader, "http://localhost/library/")
    (payment,) = records.of_order(order)
    local_bank().pay(str(payment.ref), "pay")
    with person.app.app_context():
        checkout.refresh(payment.id)
    return order


def held_order(person: Person) -> str:
    """Return an order for which this person let money be held at the bank."""
    line = Line("A seat", eur(900), "income:seats", data={"hold": True})
    order = checkout.start_order(person.reader, (line,), return_to="/library/").id
    checkout.pay(order, "playmoney", person.reader, "http://localhost/library/")
    (payment,) = records.of_order(order)
    local_bank().pay(str(payment.ref), "pay")
    with person.app.app_context():
        checkout.refresh(payment.id)
    return order


def kept_method(person: Person) -> str:
    """Return a way to pay that this person keeps."""
    payment = records.find(waiting_payment(person))
    with transaction():
        methods.keep(payment, person.holder, "me_1", "Play money")
    return methods.of_holders([person.holder])[0].id


def refunded_elsewhere(person: Person) -> tuple[str, str]:
    """Return an order of which the bank gave a euro back by itself, and the bank's name for it."""
    order = settled_order(person)
    (payment,) = records.of_order(order)
    local_bank().refund(value("playmoney.payee"), payment.id, new_id("elsewhere"), eur(100))
    with person.app.app_context():
        payment = checkout.refresh(payment.id)
    return order, payment.facts.movements[-1].id


def paid_order(person: Person, key: str = "post:elsewhere") -> str:
    """Return an order that is paid, and has opened something."""
    order = orders.find(open_order(person))
    with transaction():
        orders.mark(order, "paid")
        entitlements.grant(person.holder, order.id, [(1, key, None)])
    return order.id


def other_session(person: Person) -> str:
    """Return a session of the same user on another device."""
    token = sessions.start(person.holder, strong=person.kind.strong, agent="Safari/1 iPhone")
    found = sessions.by_token(token)
    assert found is not None
    return found.id


def take_owners() -> None:
    """Leave the site without an owner."""
    with transaction():
        execute("UPDATE people_user SET role = 'editor' WHERE role = 'owner'")


def backup_made() -> str:
    """Return the name of a backup that lies in the site's folder."""
    name = "obolo-20261122T120000Z.tar.gz"
    place = site_home() / backup.FOLDER / name
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(b"all of it")
    return name
