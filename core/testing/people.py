"""People for tests: users who are signed in, and what their apps show."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pyotp
from flask.testing import FlaskClient

from core.clock import now
from core.people import passwords, sessions, two_factor, users
from core.people.users import User
from core.testing.mailbox import EMAIL

PHONE = "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0"
SESSION_COOKIE = "obolo-session"


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
        # a second try, for the half minute may end between the code and its check
        assert any(two_factor.enrol(user, seed, code_of(seed, steps=-1)) for _ in range(2))
    return users.find(user.id), seed


def code_of(seed: str, *, steps: int = 0) -> str:
    """Return what an app shows now, or so many steps of 30 seconds later."""
    return pyotp.TOTP(seed).at(now() + timedelta(seconds=30 * steps))


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
    return str(re.findall(r'name="csrf" value="([0-9a-f]+)"', client.get(page).text)[0])
