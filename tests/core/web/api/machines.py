"""Machines for tests: a site with something sold, and clients that show tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Flask

from core import checkout
from core.orders import Grant, Line
from core.payments import records
from core.people import Reader, tokens
from core.people.users import User
from core.plugins import catalogue
from core.storage import execute
from tests.people import make_user
from tests.stand_in import StandIn, charge, eur, paid

BASE = "/api/v1"


@dataclass(frozen=True)
class Machine:
    """A client that shows a token with each request."""

    app: Flask
    text: str

    def ask(self, method: str, path: str, **more: Any) -> Any:
        """Send one request."""
        headers = {"Authorization": f"Bearer {self.text}", **more.pop("headers", {})}
        client = self.app.test_client()
        return client.open(BASE + path, method=method, headers=headers, buffered=True, **more)

    def get(self, path: str, **more: Any) -> Any:
        """Ask for something."""
        return self.ask("GET", path, **more)

    def post(self, path: str, body: Any = None, *, key: str = "") -> Any:
        """Send something."""
        headers = {"Idempotency-Key": key} if key else {}
        return self.ask("POST", path, json=body, headers=headers)


def text_for(user: User, *scopes: str, mode: str = "live", days: int = 30) -> str:
    """Return a new token's text; without scopes it may all that its user may."""
    wanted = scopes or tokens.grantable(user)
    return tokens.make(user, "A machine", wanted, days=days, mode=mode, actor=user.id)[1]


def machine_of(app: Flask, *scopes: str, role: str = "owner", **more: Any) -> Machine:
    """Return the machine of a new user of a role."""
    number = execute("SELECT COUNT(*) FROM people_user").fetchone()[0]
    user, _ = make_user(f"machine{number}@example.org", role=role, app=True)
    return Machine(app, text_for(user, *scopes, **more))


def stand_in() -> StandIn:
    """Return a provider that is among the site's own from now on."""
    provider = StandIn()
    catalogue.providers[provider.name] = provider
    return provider


def sold(provider: StandIn, holder: str = "gst_a", minor: int = 100, key: str = "post:x") -> str:
    """Return the id of an order that a holder has paid."""
    reader = Reader(holder, (holder,))
    line = Line("Read this post", eur(minor), "income:posts", (Grant(key),))
    order = checkout.start_order(reader, [line], mode=provider.mode)
    checkout.pay(order.id, provider.name, reader, "")
    (payment,) = records.of_order(order.id)
    checkout.settle(provider, payment.id, paid(payment, charge(f"ch_{order.id}", minor)))
    return order.id
