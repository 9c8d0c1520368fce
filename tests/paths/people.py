"""Somebody who uses a site in a browser of their own, and the messages that they get."""

from __future__ import annotations

import itertools
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pyotp
from babel.messages.pofile import read_po
from playwright.sync_api import Browser, CDPSession, Locator, Page, expect

from tests.paths.demo import CLOSED_EN, CLOSED_IT, paid_words

ROOT = Path(__file__).parents[2]
SCREENS: dict[str, dict[str, Any]] = {
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
    "desktop": {"viewport": {"width": 1280, "height": 800}},
}
LOCALES = {"en": "en-GB", "it": "it-IT"}
PATIENCE_SECONDS = 20
MESSAGE = re.compile(
    r"^INFO obolo\.mail: message (\S+) to (\S+): (.*)\n((?:(?!(?:INFO|WARNING|ERROR) obolo).*\n)*)",
    re.MULTILINE,
)
"""How the `console:` mail prints a message."""


@dataclass(frozen=True)
class Letter:
    """One message as it was printed."""

    subject: str
    body: str

    @property
    def digits(self) -> str:
        """The code that it carries."""
        return re.findall(r"^\d{6}\b", self.subject)[0]

    @property
    def link(self) -> str:
        """The first address that it carries."""
        return re.findall(r"http://\S+", self.body)[0]


@dataclass
class Site:
    """A running site whose messages are printed into its log."""

    address: str
    log: Path
    _read: set[str] = field(default_factory=set)

    def letter(self, to: str, *, about: str = "") -> Letter:
        """Return the oldest unread message to an address, with this in its subject; wait for it."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            for message_id, recipient, subject, body in MESSAGE.findall(self.log.read_text()):
                is_it = recipient == to and re.search(about, subject)
                if is_it and message_id not in self._read:
                    self._read.add(message_id)
                    return Letter(subject, body)
            time.sleep(0.05)
        raise AssertionError(self.log.read_text()[-2000:])

    def code(self, to: str) -> Letter:
        """Return the next message to an address that carries six digits."""
        return self.letter(to, about=r"^\d{6}\b")

    def let_ten_minutes_go_by(self) -> None:
        """Nobody has just proved to be who they are, and the short limits count anew."""
        path = self.log.with_suffix("") / "obolo.db"
        with closing(sqlite3.connect(path, timeout=PATIENCE_SECONDS)) as database, database:
            database.execute("UPDATE people_session SET confirmed = 0")
            database.execute("DELETE FROM limits_hit")

    def set_up_link(self) -> str:
        """Return the link that `obolo run` printed for the owner."""
        return re.findall(r"http://\S+/setup/\S+", self.log.read_text())[0]


@cache
def _italian(folder: str) -> dict[str, str]:
    path = ROOT / folder / "translations" / "it" / "LC_MESSAGES" / "messages.po"
    with path.open("rb") as lines:
        return {str(one.id): str(one.string) for one in read_po(lines) if isinstance(one.id, str)}


def said(words: str, language: str, **values: object) -> str:
    """Return a sentence of core or of play money as a page in this language has it."""
    if language == "it":
        words = (_italian("core") | _italian("plugins/playmoney"))[words]
    return words % values if values else words


@dataclass(frozen=True)
class Authenticator:
    """What Chromium plays: whoever holds it agrees, or takes the finger away."""

    session: CDPSession
    id: str

    def agrees(self, does: bool = True) -> None:
        """Let the finger be the right one, or not."""
        values = {"authenticatorId": self.id, "isUserVerified": does}
        self.session.send("WebAuthn.setUserVerified", values)


ADDRESSES = itertools.count(1)
NAMES = itertools.count(1)


def new_email() -> str:
    """Return an address that nobody has."""
    return f"reader{next(NAMES)}@example.com"


class Person:
    """A browser that was never here before; it finds things by the words of its language."""

    def __init__(self, page: Page, site: Site, language: str) -> None:
        self.page, self.site, self.language = page, site, language

    def says(self, words: str, **values: object) -> str:
        """Return a sentence in this person's language."""
        return said(words, self.language, **values)

    def opens(self, path: str) -> None:
        """Go to a page of the site."""
        self.page.goto(path)

    def presses(self, words: str, **values: object) -> None:
        """Press the one button that says this."""
        self.page.get_by_role("button", name=self.says(words, **values), exact=True).click()

    def follows(self, words: str, **values: object) -> None:
        """Follow the link that says this, in the page's own part."""
        main = self.page.locator("main")
        main.get_by_role("link", name=self.says(words, **values), exact=True).click()

    def field(self, label: str) -> Locator:
        """Return the field with this label."""
        return self.page.get_by_label(self.says(label), exact=True)

    def types(self, label: str, text: str) -> None:
        """Fill a field in."""
        self.field(label).fill(text)

    def is_at(self, heading: str) -> None:
        """Wait until the page with this heading is here."""
        expect(self.page.locator("h1")).to_have_text(self.says(heading))

    def is_told(self, words: str, **values: object) -> None:
        """Wait until the page says this."""
        expect(self.page.locator("main")).to_contain_text(self.says(words, **values))

    def is_warned(self, words: str, **values: object) -> None:
        """Wait for an error that is announced."""
        alert = self.page.get_by_role("alert").filter(visible=True)
        expect(alert).to_have_text(self.says(words, **values))

    # What people do in several tests

    def asks_for_code(self, email: str) -> Letter:
        """Type the address on the sign-in page, and read the message."""
        self.opens("/sign-in")
        self.types("E-mail address", email)
        self.presses("Send me a code")
        self.is_at("Type the code")
        return self.site.code(email)

    def types_code(self, digits: str) -> None:
        """Type six digits and go on."""
        self.types("Six digits", digits)
        self.presses("Go on")

    def signs_in(self, email: str = "") -> str:
        """Sign in by a code, as a new user unless there is one; return the address."""
        email = email or new_email()
        self.types_code(self.asks_for_code(email).digits)
        self.is_at("Library")
        return email

    def signs_out(self) -> None:
        """Sign out from the profile."""
        self.opens("/account/")
        self.presses("Sign out")
        self.page.wait_for_url(f"{self.site.address}/")

    def confirms_by_code(self, email: str) -> None:
        """Prove to be oneself by a message, where a page asks for that."""
        self.is_at("Is it you?")
        self.presses("Send me a code")
        self.types_code(self.site.code(email).digits)

    @property
    def closed(self) -> str:
        """The slug of a closed post in this person's language."""
        return {"en": CLOSED_EN, "it": CLOSED_IT}[self.language]

    def buys(self) -> None:
        """Pay for a closed post with play money, as whoever sits here."""
        self.opens(f"/{self.closed}")
        self.page.locator("#open .primary").click()
        self.page.locator("button[name=how][value=pay]").click()
        self.page.wait_for_url(f"**/{self.closed}#opened")

    def can_read(self) -> bool:
        """Tell whether the closed post is open here."""
        self.opens(f"/{self.closed}")
        text = self.page.inner_text("main")
        return all(words in text for words in paid_words(self.closed))

    def adds_app(self) -> tuple[pyotp.TOTP, list[str]]:
        """Add an app from what the page shows; return it and the recovery codes."""
        self.is_at("Second factor")
        link = self.page.get_by_role("link", name=self.says("Open it in an app on this device"))
        app = pyotp.parse_uri(link.get_attribute("href"))
        assert isinstance(app, pyotp.TOTP)
        self.types("Six digits", app.now())
        self.presses("Switch it on")
        expect(self.page.locator(".recovery code")).to_have_count(10)
        return app, self.page.locator(".recovery code").all_inner_texts()

    def puts_in_authenticator(self) -> Authenticator:
        """Give this browser a phone's own authenticator, unlocked by whoever holds it."""
        session = self.page.context.new_cdp_session(self.page)
        session.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": True,
            "hasUserVerification": True, "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }  # fmt: skip
        made = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        return Authenticator(session, made["authenticatorId"])


def from_a_new_address() -> dict[str, str]:
    """Return the header of a browser that is elsewhere than all before it."""
    number = next(ADDRESSES)
    return {"X-Forwarded-For": f"10.{number // 256}.{number % 256}.7"}


@contextmanager
def somebody(
    browser: Browser, site: Site, size: str = "phone", language: str = "en", *, scripts: bool = True
) -> Iterator[Person]:
    """Open a new browser, at an address of its own, so that nobody shuts a door for others."""
    context = browser.new_context(
        **SCREENS[size], base_url=site.address, locale=LOCALES[language], reduced_motion="reduce",
        java_script_enabled=scripts,
        extra_http_headers=from_a_new_address(),
    )  # fmt: skip
    context.set_default_timeout(15_000)
    yield Person(context.new_page(), site, language)
    context.close()
