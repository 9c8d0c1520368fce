"""What Flask and Werkzeug say, said sooner."""

from __future__ import annotations

import io
import json

import pytest
from flask import Flask, Request, request
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.exceptions import BadRequest, ClientDisconnected, SecurityError
from werkzeug.test import EnvironBuilder

from core.web.shortcuts import FORM, SHORT_BYTES, App, Asked

BODIES = st.one_of(
    st.binary(max_size=80),
    st.text("ab=&;+%20€é\x00", max_size=40).map(lambda text: text.encode()),
    st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)), max_size=5).map(
        lambda fields: "&".join(f"{name}={text}" for name, text in fields).encode(
            "utf-8", "replace"
        )
    ),
)
ADDRESSES = [
    {"path": "/one"},
    {"path": "/caffè/€", "query_string": "q=perché&p=%20"},
    {"path": "/one", "base_url": "http://LOCALHOST:8000/under/"},
    {"path": "/one", "base_url": "https://localhost:443/", "method": "POST"},
    {"path": "/one", "base_url": "http://[::1]:80/"},
]


def environ_of(body, content_type=FORM, **more):
    built = EnvironBuilder(method="POST", data=body, content_type=content_type).get_environ()
    return {**built, **more}


def both(make):
    """Read the same request by Werkzeug and by ours."""
    read = []
    for kind in (Request, Asked):
        with kind(make()) as one:
            fields, files = list(one.form.items(multi=True)), [*one.files]
            read.append((fields, files, one.stream.read()))
    return read


@given(BODIES)
def test_a_form_says_what_werkzeug_reads(body):
    """Whatever the bytes are: fields in order, twice where they stand twice, none where broken."""
    plain, ours = both(lambda: environ_of(body))

    assert ours == plain


@pytest.mark.parametrize(
    "made",
    [
        lambda: environ_of(b"a=b", f"{FORM}; charset=utf-8"),
        lambda: environ_of(b"a=" + b"x" * SHORT_BYTES),
        lambda: environ_of(b"{}", "application/json"),
        lambda: environ_of({"a": "b", "file": (io.BytesIO(b"text"), "n.txt")}, None),
        lambda: environ_of(b"a=b", CONTENT_LENGTH=""),
        lambda: environ_of(b"a=b", CONTENT_LENGTH="٣"),
        lambda: EnvironBuilder(method="GET").get_environ(),
    ],
    ids=["charset", "long", "JSON", "a file", "no length", "no digits", "no body"],
)
def test_every_other_body_goes_the_way_of_werkzeug(made):
    """Only a short, plain form is read by one call."""
    plain, ours = both(made)

    assert ours == plain


def test_what_was_read_as_bytes_before_is_a_form_as_well():
    """A signature is made over the bytes; nothing of the body is read twice."""
    ours = Asked(environ_of(b"a=b"))

    assert (ours.get_data(), ours.form["a"]) == (b"a=b", "b")


@pytest.mark.parametrize("kind", [Request, Asked])
def test_a_form_that_is_cut_off_is_no_form(kind):
    """Who hung up half-way has asked for nothing."""
    environ = environ_of(b"price=1", CONTENT_LENGTH="9")
    with pytest.raises(ClientDisconnected):
        kind(environ).form  # noqa: B018 - it is read when it is looked at


@pytest.fixture(params=[Flask, App])
def app(request):
    """Return an app with views of both kinds; Flask's own says what is expected of ours."""
    made = request.param("app")
    made.config["TRUSTED_HOSTS"] = ["localhost", "[::1]"]

    @made.route("/<path:name>", methods=["GET", "POST"])
    def view(name):
        return [name, flask_request_facts()]

    @made.get("/late")
    async def late():
        return "late"

    return made


def flask_request_facts():
    return [request.host, request.url, request.script_root, request.trusted_hosts]


@pytest.mark.parametrize("address", ADDRESSES, ids=json.dumps)
def test_an_address_leads_to_the_view_it_always_did(app, address):
    """With the same host, path and query."""
    made = app.request_context(EnvironBuilder(**address).get_environ()).url_adapter
    expected = Flask("twin", root_path=".")
    expected.config["TRUSTED_HOSTS"] = ["localhost", "[::1]"]
    expected.url_map = app.url_map
    twin = expected.request_context(EnvironBuilder(**address).get_environ()).url_adapter

    assert (made is None) == (twin is None)
    if made is not None:
        assert {**vars(made), "map": None} == {**vars(twin), "map": None}
        assert app.test_client().open(**address).status_code in (200, 308)


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "", "a b"])
def test_a_strange_host_is_refused_each_time(app, host):
    """What was said once is remembered, a refusal is not."""
    for _ in range(2):
        built = EnvironBuilder(path="/one").get_environ()
        context = app.request_context({**built, "HTTP_HOST": host, "SERVER_NAME": "evil.example"})

        assert isinstance(context.request.routing_exception, SecurityError)
        assert isinstance(context.request.routing_exception, BadRequest)


def test_a_site_without_names_answers_to_every_host():
    """As on a computer of one's own, where nothing is set up yet."""
    app = App("app")
    for host in ("one.example", "two.example:81"):
        built = EnvironBuilder(path="/").get_environ()
        context = app.request_context({**built, "HTTP_HOST": host})

        assert context.request.host == host


def test_only_an_async_view_is_wrapped(app):
    """Flask says what it lacks for one; a plain view is called as it is."""
    plain = app.view_functions["view"]

    assert app.ensure_sync(plain) is plain
    assert app.ensure_sync(print) is print
    with pytest.raises(RuntimeError, match="async"):
        app.ensure_sync(app.view_functions["late"])
