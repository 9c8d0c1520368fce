"""A machine whose user has a balance, before closed texts of 0.20."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from core.ledger import Leg, balance, post
from core.people import tokens
from core.people.users import User
from core.storage import execute, new_id, transaction
from plugins.machinepay import budgets
from tests.people import make_user
from tests.stand_in import eur

JSON = {"Accept": "application/json"}
PRICE, PAID_IN = 20, 507
BEGUN = re.compile(r'Payment id="(drf_\w+)"')


def fill(holder: str, minor: int = PAID_IN) -> None:
    """Put so much into somebody's balance."""
    legs = [Leg("assets:bank", eur(minor)), Leg(f"liabilities:wallet:{holder}", eur(-minor))]
    with transaction():
        post(new_id("fill"), legs, reason="filled")


def left(holder: str) -> int:
    """Return what is in somebody's balance."""
    return -balance(f"liabilities:wallet:{holder}", "EUR").minor


class Payer:
    """A program that shows a token of its user, and pays as far as it may."""

    def __init__(
        self, app: Flask, *, most: int = 500, a_day: int = 300, user: User | None = None,
        scopes: tuple[str, ...] = (tokens.OWN, tokens.SPEND), mode: str = "live",
    ) -> None:  # fmt: skip
        self.app = app
        self.user = user or make_user(f"{new_id('a')}@example.org")[0]
        made, text = tokens.make(
            self.user, "Crawler", scopes, days=30, mode=mode, actor=self.user.id
        )
        self.token, self.headers = made.id, {**JSON, "Authorization": f"Bearer {text}"}
        if most:
            budgets.save(self.token, self.user.id, eur(most), eur(a_day))

    def get(self, path: str = "/closed", challenge: str = "", **headers: str) -> TestResponse:
        """Ask for a document, and pay for it where a challenge is named."""
        more = {"Payment-Challenge": challenge} if challenge else {}
        client = self.app.test_client(use_cookies=False)
        return client.get(path, headers={**self.headers, **more, **headers}, buffered=True)

    def challenged(self, path: str = "/closed") -> str:
        """Return the id of the challenge that the 402 holds."""
        return str(self.get(path).json["challenges"][0]["id"])

    def budget(self) -> budgets.Budget:
        """Return what the token may spend and has spent."""
        return budgets.of_token(self.token)


def receipt(answer: TestResponse) -> Any:
    """Read the receipt that stands on an answer."""
    text = answer.headers["Payment-Receipt"]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def sales() -> int:
    """Return how many orders are paid."""
    return int(execute("SELECT COUNT(*) FROM orders_order WHERE state = 'paid'").fetchone()[0])
