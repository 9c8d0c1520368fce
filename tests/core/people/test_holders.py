"""The reader behind a request, and the signed cookie that makes a guest a holder."""

from __future__ import annotations

import pytest
from flask import Flask, Response
from itsdangerous import Signer

from core.people import Reader, current_reader, current_signer, give_holder
from core.people.holders import (
    COOKIE,
    COOKIE_SECONDS,
    LOOPBACK_COOKIE,
    cookie_name,
    holder_signer,
)

SECRET = b"play secret"
SECURE, PLAIN = "https://site.example", "http://127.0.0.1:8000"


@pytest.fixture
def app():
    site = Flask("site")
    site.extensions["obolo_signer"] = holder_signer([SECRET])
    site.extensions["obolo_language"] = lambda: "it"
    return site


def signed(app, holder, secret=SECRET):
    return holder_signer([secret]).sign(holder).decode()


def request(app, cookie=None, base=SECURE, name=None):
    """Return a request that carries this cookie."""
    name = name or (COOKIE if base == SECURE else LOOPBACK_COOKIE)
    headers = {"Cookie": f"{name}={cookie}"} if cookie is not None else {}
    return app.test_request_context(
        "/", base_url=base, headers=headers, environ_base={"REMOTE_ADDR": "198.51.100.7"}
    )


def test_a_guest_who_never_bought_has_no_holder(app):
    """The empty string owns nothing; language and address are known all the same."""
    with request(app):
        assert current_reader() == Reader(language="it", address="198.51.100.7")
        assert current_reader().holders == ()


def test_a_signed_cookie_makes_a_guest_a_holder(app):
    """What is bought belongs to it, and what it holds may be read."""
    with request(app, signed(app, "gst_1")):
        reader = current_reader()

    assert (reader.holder, reader.holders, reader.user) == ("gst_1", ("gst_1",), None)
    assert reader.permissions == frozenset()


@pytest.mark.parametrize(
    "cookie",
    [
        "",
        "gst_1",
        "gst_1.",
        ".",
        "gst_1.AAAAAAAAAAAAAAAAAAAAAAAAAAA",
        holder_signer([b"another secret"]).sign("gst_1").decode(),
        Signer("play secret", salt="session").sign("gst_1").decode(),
        holder_signer([SECRET]).sign("gst_1").decode().replace("gst_1", "gst_2"),
        "é.é",
    ],
)
def test_a_cookie_that_is_not_signed_by_the_site_is_no_holder(app, cookie):
    """Nobody takes another's holder by writing its name, and nothing crashes."""
    with request(app, cookie):
        assert current_reader().holder == ""


def test_what_is_signed_but_no_text_is_no_holder(app):
    """Bytes that are no UTF-8 are refused like a wrong signature."""
    broken = holder_signer([SECRET]).sign(b"\xff\xfe").decode("latin-1")
    with request(app, broken):
        assert current_reader().holder == ""


@pytest.mark.parametrize(
    ("base", "name", "known"),
    [(SECURE, COOKIE, True), (PLAIN, LOOPBACK_COOKIE, True),
     (SECURE, LOOPBACK_COOKIE, False), (PLAIN, COOKIE, False)],
)  # fmt: skip
def test_over_https_only_the_cookie_that_a_subdomain_cannot_set_counts(app, base, name, known):
    """`__Host-` binds it to the host; over plain HTTP a browser would drop such a name."""
    with request(app, signed(app, "gst_1"), base, name):
        assert current_reader().holder == ("gst_1" if known else "")
        assert cookie_name() == (COOKIE if base == SECURE else LOOPBACK_COOKIE)


def cookies(app):
    """Return the cookies that the answer to this request would set."""
    return app.process_response(Response()).headers.getlist("Set-Cookie")


def test_reading_gives_no_holder(app):
    """A page that is only read sets no cookie."""
    with request(app):
        current_reader()

        assert cookies(app) == []


def test_the_first_purchase_gives_a_guest_its_holder(app):
    """Once in a request; the answer will carry it, and the reader stays who it was."""
    with request(app):
        before = current_reader()
        reader = give_holder()

        assert reader.holder.startswith("gst_")
        assert reader.holders == (reader.holder,)
        assert (reader.language, reader.address) == (before.language, before.address)
        assert len(cookies(app)) == 1
        assert reader.holder in cookies(app)[0]
        assert give_holder() is reader is current_reader()


def test_whoever_has_a_holder_keeps_it(app):
    """No new cookie is set, and nothing is lost."""
    with request(app, signed(app, "gst_1")):
        assert give_holder().holder == "gst_1"
        assert cookies(app) == []


def test_two_guests_get_two_holders(app):
    """A holder cannot be guessed from another."""
    holders = []
    for _ in range(2):
        with request(app):
            holders.append(give_holder().holder)

    assert len(set(holders)) == 2
    assert holders[0][-12:] != holders[1][-12:]


def test_the_signer_is_the_app_s(app):
    """What it signs is read back as the holder by the next request."""
    with request(app):
        cookie = current_signer().sign(give_holder().holder).decode()
        holder = current_reader().holder
    with request(app, cookie):
        assert current_reader().holder == holder


def test_the_cookie_lasts_as_long_as_browsers_allow():
    """400 days (RFC 6265bis)."""
    assert COOKIE_SECONDS == 34_560_000
