"""Errors for people as pages, for machines as problem documents."""

from __future__ import annotations

import logging

import pytest

from core.errors import Conflict, NotFound, PluginFailed, Refused, Unavailable
from core.limits import TooMany
from core.web.callers import callers
from core.web.problems import wants_json

JSON = {"Accept": "application/json"}


@pytest.fixture
def raising(make_site):
    """Return what answers with an error, to a person or to a machine."""
    app = make_site()
    thrown = []

    @app.get("/throw")
    @callers("anyone")
    def throw():
        raise thrown.pop()

    def answer(error, headers=None):
        thrown.append(error)
        return app.test_client().get("/throw", headers=headers or {"Accept": "text/html"})

    return answer


@pytest.mark.parametrize(("error", "status"), [
    (Refused("The last seat is gone."), 403),
    (NotFound("There is no such order."), 404),
    (Conflict("This order is no longer open."), 409),
])  # fmt: skip
def test_a_refusal_has_words_for_a_person(raising, error, status):
    """The page says what the rule or the plugin said."""
    done = raising(error)

    assert done.status_code == status
    assert str(error) in done.text
    assert done.mimetype == "text/html"


def test_a_machine_gets_a_problem_document(raising):
    """RFC 9457: type, title, status, detail."""
    done = raising(Refused("The last seat is gone."), JSON)

    assert done.content_type == "application/problem+json"
    assert done.json["status"] == 403
    assert done.json["detail"] == "The last seat is gone."
    assert done.json["type"] == "about:blank"


def test_words_are_filled_after_they_are_translated(raising):
    """`values` stand in the braces of the message."""
    done = raising(Refused("Line {number} has not that much left to give back.", number=3))

    assert "Line 3 has not that much left" in done.text


def test_what_a_reader_typed_is_escaped(raising):
    """A message may repeat it."""
    done = raising(Refused("{text} is no amount.", text="<script>"))

    assert "<script> is" not in done.text
    assert "&lt;script&gt; is no amount." in done.text


@pytest.mark.parametrize("error", [
    PluginFailed("shop", "guard", KeyError("secret path")),
    Unavailable("db.internal:5432 refused"),
    RuntimeError("/srv/obolo/keys"),
])  # fmt: skip
@pytest.mark.parametrize("headers", [None, JSON])
def test_what_is_broken_shows_nothing_of_the_inside(raising, error, headers, caplog):
    """It is logged, and the reader learns that nothing was taken."""
    with caplog.at_level(logging.CRITICAL):
        done = raising(error, headers)

    assert done.status_code >= 500
    assert "Nothing was taken" in done.text
    for word in ("secret", "internal", "keys", "Traceback", "shop"):
        assert word not in done.text.replace("keyserror", "")


def test_who_knocks_too_often_learns_when_to_come_back(raising):
    """In the header for machines, in words for people."""
    done = raising(TooMany(90))

    assert done.status_code == 429
    assert done.headers["Retry-After"] == "90"
    assert "2 min" in done.text


@pytest.mark.parametrize(("method", "path", "status"), [
    ("GET", "/nothing", 404), ("DELETE", "/healthz", 405), ("GET", "/webhooks/nobody", 405),
])  # fmt: skip
def test_the_servers_own_errors_look_the_same(make_site, method, path, status):
    """Also for what no view answered."""
    client = make_site().test_client()
    page = client.open(path, method=method, headers={"Accept": "text/html"})
    document = client.open(path, method=method, headers=JSON)

    assert page.status_code == document.status_code == status
    assert document.content_type == "application/problem+json"
    assert ("Allow" in page.headers) == (status == 405), "RFC 9110, 15.5.6"


def test_too_much_is_refused(make_site):
    """A form of three megabytes is not read."""
    client = make_site().test_client()
    done = client.post(
        "/language", data={"back": "x" * 3_000_000}, headers={"Sec-Fetch-Site": "same-origin"}
    )

    assert done.status_code == 413


@pytest.mark.parametrize(("accept", "machine"), [
    ("application/json", True), ("text/html", False), ("*/*", False), ("", False),
    ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", False),
    ("application/json, text/html;q=0.5", True), ("text/html, application/json;q=0.9", False),
])  # fmt: skip
def test_who_is_a_machine(make_site, accept, machine):
    """It prefers JSON and says so; browsers and those who say nothing are people."""
    with make_site().test_request_context(headers={"Accept": accept}):
        assert wants_json() is machine


def test_the_secret_of_a_link_is_in_no_log(make_site, caplog):
    """What goes wrong on a page whose address holds one is logged without it."""
    app = make_site()

    @app.get("/links/<token>")
    @callers("anyone")
    def broken(token):
        raise ZeroDivisionError

    app.test_client().get("/links/s3cret")

    assert "a bug at /links/…" in caplog.text
    assert "s3cret" not in caplog.text
