"""Knock at the doors: ask for codes, type them, and see who comes in."""

from __future__ import annotations

from argon2 import PasswordHasher

from core import doors
from core.people import passwords, sessions, users
from tests.people import EMAIL, digits_of, guest


def asked(email=EMAIL, who=None, **more):
    """Ask for a code, and return the id that goes with it."""
    return doors.ask(email, who or guest(), "http://localhost/sign-in/link/{}".format, **more)


def entered(outbox, email=EMAIL, who=None, **more):
    """Ask for a code and type it."""
    id = asked(email, who, **more)
    return doors.enter_by_digits(id, digits_of(outbox.last(email)), who or guest())


def signed_in_as(admission):
    """Return the user who was let in."""
    return users.find(sessions.by_token(admission.token).user)


def counted(monkeypatch):
    """Count the hashes that are computed from now on."""
    calls = []

    class Counting(PasswordHasher):
        def hash(self, *words, **more):
            calls.append("hash")
            return super().hash(*words, **more)

        def verify(self, *words, **more):
            calls.append("verify")
            return super().verify(*words, **more)

    passwords.verify(None, "so that nobody's hash is there")
    monkeypatch.setattr(
        passwords, "HASHER", Counting(time_cost=2, memory_cost=19_456, parallelism=1)
    )
    return calls
