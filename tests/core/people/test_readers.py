"""The reader behind a request: a user, a guest, or nobody yet. Guests: see test_holders."""

from __future__ import annotations

import pytest
from flask import Flask

from core.people import (
    current_reader,
    current_session,
    give_holder,
    reader_of,
    sessions,
    users,
)
from core.people.holders import LOOPBACK_COOKIE, holder_signer
from core.people.signed_in import COOKIE as SECURE_COOKIE
from core.people.signed_in import LOOPBACK_COOKIE as SESSION_COOKIE
from core.people.signed_in import install
from tests.people import make_user


@pytest.fixture
def app(db):
    site = Flask("site")
    site.extensions["obolo_signer"] = holder_signer([b"play secret"])
    site.extensions["obolo_language"] = lambda: "it"
    install(site, b"play key")
    return site


@pytest.fixture
def ada(db):
    return make_user(role="editor", app=True)[0]


def request(app, token="", guest="", base="http://localhost", name=SESSION_COOKIE):
    """Return a request with these cookies."""
    signed = holder_signer([b"play secret"]).sign(guest).decode()
    cookies = [f"{name}={token}"] if token else []
    cookies += [f"{LOOPBACK_COOKIE}={signed}"] if guest else []
    return app.test_request_context(
        "/", base_url=base, headers={"Cookie": "; ".join(cookies)},
        environ_base={"REMOTE_ADDR": "198.51.100.7"},
    )  # fmt: skip


def test_who_is_signed_in_buys_for_themselves_and_reads_what_they_claimed(app, ada):
    """The user's own holder comes first."""
    users.claim(ada.id, "gst_old")
    with request(app, sessions.start(ada.id, strong=True)):
        reader = current_reader()
        session = current_session()

    assert (reader.user, reader.holder) == (ada.id, ada.id)
    assert reader.holders == (ada.id, "gst_old")
    assert reader.permissions == {"admin.enter", "posts.write", "posts.publish"}
    assert reader.device == session.id
    assert (reader.language, reader.address) == ("it", "198.51.100.7")


def test_staff_without_a_second_factor_are_readers(app, ada):
    """Whatever their role says."""
    with request(app, sessions.start(ada.id, strong=False)):
        assert current_reader().permissions == frozenset()


def test_a_guest_s_cookie_beside_a_session_says_nothing(app, ada):
    """What another guest of this browser held is not the user's without a claim."""
    with request(app, sessions.start(ada.id, strong=True), "gst_other"):
        assert current_reader().holders == (ada.id,)
        assert give_holder().holder == ada.id


def test_a_session_that_is_over_leaves_the_guest(app, ada):
    """Somebody signs out, and is whom the other cookie says."""
    token = sessions.start(ada.id, strong=True)
    sessions.end_all(ada.id, actor=ada.id)
    with request(app, token, "gst_1"):
        reader = current_reader()

    assert (reader.user, reader.holder, reader.device) == (None, "gst_1", "")


def test_without_cookies_the_database_is_not_asked(app, monkeypatch):
    """A public page costs no look-up."""
    monkeypatch.setattr(sessions, "by_token", lambda token: 1 / 0)
    with request(app):
        assert current_session() is None
        assert current_reader().holder == ""


def test_several_holders_of_a_guest_are_read(app):
    """What was brought from another device stands beside what is here."""
    with request(app, guest="gst_1+gst_2"):
        assert current_reader().holders == ("gst_1", "gst_2")
        assert current_reader().holder == "gst_1"


@pytest.mark.parametrize(("base", "name", "known"), [
    ("https://site.example", SECURE_COOKIE, True), ("http://localhost", SESSION_COOKIE, True),
    ("https://site.example", SESSION_COOKIE, False), ("http://localhost", SECURE_COOKIE, False),
])  # fmt: skip
def test_over_https_only_the_cookie_that_a_subdomain_cannot_set_counts(app, ada, base, name, known):
    """A session that another host planted is no session."""
    with request(app, sessions.start(ada.id, strong=True), base=base, name=name):
        assert (current_session() is not None) is known


def test_a_user_is_a_reader_without_a_request(ada):
    """For work behind the pages: with all that they claimed, and no rights."""
    users.claim(ada.id, "gst_before")
    found = reader_of(ada.id)

    assert (found.holder, found.user, found.holders) == (ada.id, ada.id, (ada.id, "gst_before"))
    assert (found.language, found.permissions) == (ada.language, frozenset())
