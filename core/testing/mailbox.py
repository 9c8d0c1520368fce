"""What is sent to people while a test runs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest

from core import mail
from core.storage import execute

EMAIL = "ada@example.org"
"""The address of whoever signs in, where a test does not say another."""


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
    """Return the outbox of a test; the fixture `mailbox` calls this."""
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
    return str(re.findall(r"\b\d{6}\b", letter.body)[0])


def link_of(letter: Letter) -> str:
    """Return the path of the link that a message carries."""
    return str(re.findall(r"https?://[^/\s]+(/\S*)", letter.body)[0])
