"""The cookie that carries a session, and the token that its forms carry."""

from __future__ import annotations

import pytest
from flask import Flask, Response

from core.people import current_reader, current_session, sessions
from core.people.holders import COOKIE_SECONDS, holder_signer
from core.people.signed_in import (
    csrf_token,
    give_session,
    has_csrf_token,
    install,
    take_session,
)
from tests.people import OTHER_EMAIL, make_user


@pytest.fixture
def app(db):
    site = Flask("site")
    site.extensions["obolo_signer"] = holder_signer([b"play secret"])
    site.extensions["obolo_language"] = lambda: "en"
    install(site, b"play key")
    return site


@pytest.fixture
def token(db):
    return sessions.start(make_user()[0].id, strong=False)


def request(app, token="", base="http://localhost", name="obolo-session"):
    cookies = {"Cookie": f"{name}={token}"} if token else {}
    return app.test_request_context("/", base_url=base, headers=cookies)


def cookies(app):
    """Return the cookies that the answer to this request sets, by name."""
    lines = app.process_response(Response()).headers.getlist("Set-Cookie")
    return {line.partition("=")[0]: line.partition("=")[2] for line in lines}


def test_who_was_let_in_is_signed_in_from_this_request_on(app, token):
    """Also where it was asked before who it is."""
    with request(app):
        assert current_session() is None
        assert current_reader().user is None
        give_session(token)
        with_cookie = cookies(app)

    with request(app, with_cookie["obolo-session"].partition(";")[0]):
        assert current_session().id == sessions.by_token(token).id


def test_the_reader_is_looked_at_anew_after_somebody_was_let_in(app, token):
    """What was remembered of the guest is not the user's."""
    with request(app, token):
        user = current_session().user
        take_session()
        assert current_reader().user is None
        give_session(token)
        assert current_reader().user == user


def test_the_cookie_is_for_this_host_and_no_script(app, token):
    """`__Host-` needs Secure and Path=/, and takes no Domain (RFC 6265bis)."""
    with request(app, base="https://site.example"):
        give_session(token)
        line = cookies(app)["__Host-obolo-session"]

    assert line.startswith(token)
    for part in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/", f"Max-Age={COOKIE_SECONDS}"):
        assert f"; {part}" in line
    assert "Domain" not in line


def test_over_plain_http_it_has_another_name(app, token):
    """A browser drops `__Host-` there."""
    with request(app):
        give_session(token)

        assert cookies(app).keys() == {"obolo-session", "obolo"}


def test_the_guest_s_cookie_goes_when_somebody_is_let_in(app, token):
    """What it held is the user's now, and not that of whoever comes next."""
    with request(app, base="https://site.example"):
        give_session(token)
        guest = cookies(app)["__Host-obolo"]

    assert guest.startswith(";")
    assert "Max-Age=0" in guest


def test_signing_out_takes_the_cookie_and_what_the_browser_kept(app, token):
    """The next at this machine sees nothing by the button `back`."""
    with request(app, token):
        take_session()
        assert current_session() is None
        response = app.process_response(Response())

    assert response.headers["Clear-Site-Data"] == '"cache"'
    assert "obolo-session=; " in response.headers["Set-Cookie"]
    assert "Max-Age=0" in response.headers["Set-Cookie"]


def test_a_session_that_was_never_stored_is_given_to_nobody(app, db):
    """A bug stops."""
    with request(app), pytest.raises(AssertionError):
        give_session("planted")


def test_a_form_carries_a_token_of_its_session(app, token):
    """Another session's, an empty one and half of it count as none."""
    with request(app, token):
        csrf = csrf_token()
        assert has_csrf_token(csrf)
        assert not any(map(has_csrf_token, ("", csrf[:-1], csrf[:-1] + "0" * 2, "é", token)))
    other = sessions.start(make_user(OTHER_EMAIL)[0].id, strong=False)
    with request(app, other):
        assert not has_csrf_token(csrf)


def test_the_token_is_neither_the_session_s_nor_made_without_the_key(app, token):
    """A page that shows it shows no way in."""
    with request(app, token):
        csrf = csrf_token()
        app.extensions["obolo_csrf"] = b"another key"

        assert token not in csrf
        assert csrf_token() != csrf


def test_a_page_that_brings_a_new_token_carries_its_form(app, token):
    """Else the first form after a step-up would be refused."""
    with request(app, token):
        new = sessions.confirm(current_session(), strong=False)
        give_session(new)
        csrf = csrf_token()
    with request(app, new):
        assert has_csrf_token(csrf)


def test_it_ends_with_the_session(app, token):
    """And changes with each step-up, because the session's token does."""
    with request(app, token):
        old = csrf_token()
        session = current_session()
    new = sessions.confirm(session, strong=False)
    with request(app, new):
        assert not has_csrf_token(old)
    with request(app, token):
        assert not has_csrf_token(old)


@pytest.mark.parametrize("planted", ["", "planted"])
def test_who_is_not_signed_in_has_none(app, db, planted):
    """An empty token never counts, a planted cookie makes none."""
    with request(app, planted):
        assert csrf_token() == ""
        assert not has_csrf_token("")


def test_nothing_of_flask_s_own_session_is_used(app, token):
    """It has no key here, so whoever used it would fail."""
    assert app.secret_key is None
    with request(app, token):
        current_session()
        give_session(token)

        assert "session" not in cookies(app)
        assert "remember_token" not in cookies(app)
