"""What every answer carries, and what a change must show."""

from __future__ import annotations

import re

import pytest

from core.web.headers import HSTS, content_security_policy
from tests.conftest import browser_of
from tests.core.plugins.shelf import forgotten, put
from tests.plugins.posts.texts import bring, write

OWN = "http://localhost"


@pytest.fixture
def site(make_site):
    return make_site("tipjar")


def directives(policy):
    return {part.split()[0]: part.split()[1:] for part in policy.split(";")}


def test_the_policy_lets_nothing_inline_and_nothing_from_elsewhere():
    """No nonce, no hash, no wildcard, no eval."""
    found = directives(content_security_policy())

    assert found["default-src"] == ["'none'"]
    assert found["script-src"] == found["style-src"] == found["media-src"] == ["'self'"]
    assert found["base-uri"] == found["frame-ancestors"] == ["'none'"]
    assert not re.search(r"unsafe|nonce|sha256|\*|https?:", content_security_policy())


EXPRESS = """
[touches]
scripts = ["https://js.example.com"]
frames = ["https://js.example.com", "https://hooks.example.com"]
connects = ["https://api.example.com"]
"""
PIECE = """
from __future__ import annotations
from markupsafe import Markup
from core import hookimpl


@hookimpl
def render_slot(slot, context):
    return Markup("<b>buttons</b>") if slot == "post.after" else None
"""


def test_only_the_page_on_which_a_plugin_draws_lets_its_scripts_in(make_site, tmp_path):
    """Kept pages too, each time they are sent; all others stay as strict as ever."""
    with forgotten():
        put(tmp_path / "home", "express", PIECE, EXPRESS)
        folders = (str(tmp_path / "home" / "plugins"),)
        site = make_site("posts", "express", plugin_folders=folders)
        bring(site, write(tmp_path / "texts", "open").parent)
        client = site.test_client()
        page, again = client.get("/open"), client.get("/open")
        others = [client.get(path) for path in ("/", "/library/", "/healthz", "/nothing")]
    assert "<b>buttons</b>" in again.text
    for answer in (page, again):
        found = directives(answer.headers["Content-Security-Policy"])
        assert found["script-src"] == ["'self'", "https://js.example.com"]
        assert found["frame-src"] == ["https://hooks.example.com", "https://js.example.com"]
        assert found["connect-src"] == ["'self'", "https://api.example.com"]
        assert found["style-src"] == ["'self'"]
        assert len(answer.headers.getlist("Permissions-Policy")) == 1
        assert (
            'payment=(self "https://hooks.example.com" "https://js.example.com")'
            in (answer.headers["Permissions-Policy"])
        )
    strict = content_security_policy()
    assert {one.headers["Content-Security-Policy"] for one in others} == {strict}
    assert all("payment=(self)" in one.headers["Permissions-Policy"] for one in others)


def test_a_form_may_end_where_enabled_providers_send_readers():
    """Each origin once, in one order, so that the policy is the same on every worker."""
    found = directives(content_security_policy(["https://b.example", "https://a.example"] * 2))

    assert found["form-action"] == ["'self'", "https://a.example", "https://b.example"]


def test_the_policy_of_a_site_names_its_providers_redirects(make_site):
    """They come from the manifests of enabled plugins."""
    policy = make_site("playmoney").test_client().get("/healthz")
    plain = make_site().test_client().get("/healthz")

    assert "http://127.0.0.1:*" in policy.headers["Content-Security-Policy"]
    assert "127.0.0.1" not in plain.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/healthz", "/nothing", "/static/core/icon.svg", "/library/"])
def test_every_answer_carries_them_once(site, path):
    """Pages, files and errors alike."""
    headers = site.test_client().get(path, buffered=True).headers

    for name in (
        "Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy", "X-Frame-Options",
        "Permissions-Policy",
    ):  # fmt: skip
        assert len(headers.getlist(name)) == 1, name


def test_strict_transport_is_asked_for_under_https_only(site):
    """Over plain HTTP a browser must ignore it anyway."""
    client = site.test_client()

    assert client.get("https://localhost/healthz").headers["Strict-Transport-Security"] == HSTS
    assert "Strict-Transport-Security" not in client.get("/healthz").headers


@pytest.mark.parametrize(("scheme", "name"), [("https", "__Host-obolo"), ("http", "obolo")])
def test_a_guests_cookie_is_kept_from_scripts_and_other_sites(site, scheme, name):
    """Under HTTPS its name binds it to the host; over plain HTTP browsers drop such a name."""
    client = site.test_client()
    done = client.post(
        f"{scheme}://localhost/checkout/offer", data={"resource": "post:a"},
        headers={"Sec-Fetch-Site": "same-origin"},
    )  # fmt: skip
    cookie = done.headers["Set-Cookie"]

    assert cookie.startswith(f"{name}=gst_")
    assert {"HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
    assert ("Secure" in cookie.split("; ")) == (scheme == "https")
    assert "Domain" not in cookie


@pytest.mark.parametrize("headers", [
    {"Sec-Fetch-Site": "same-origin"},
    {"Origin": OWN},
    {"Origin": OWN, "Sec-Fetch-Site": "same-origin"},
])  # fmt: skip
def test_a_change_from_this_site_passes(site, headers):
    """By what browsers say, the old ones too."""
    done = site.test_client().post("/language", data={"language": "it"}, headers=headers)

    assert done.status_code == 303


@pytest.mark.parametrize("headers", [
    {},
    {"Origin": "null"},
    {"Origin": "http://localhost.evil.example"},
    {"Origin": "https://localhost"},
    {"Origin": "http://localhost:81"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": OWN, "Sec-Fetch-Site": "cross-site"},
    {"Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"},
    {"Referer": OWN},
])  # fmt: skip
def test_a_change_from_elsewhere_is_refused(site, headers):
    """Both must agree where both are there; saying nothing is no."""
    done = site.test_client().post("/language", data={"language": "it"}, headers=headers)

    assert done.status_code == 403
    assert "Set-Cookie" not in done.headers


def test_reading_needs_no_origin_and_an_unknown_address_is_not_found(site):
    """A link from another site leads here."""
    assert site.test_client().get("/library/", headers={"Origin": "null"}).status_code == 200
    assert site.test_client().post("/nothing").status_code == 404


def test_a_reader_keeps_the_holder(site):
    """The second change sets no further cookie."""
    client = browser_of(site)
    first = client.post("/checkout/offer", data={"resource": "post:a"})
    again = client.post("/checkout/offer", data={"resource": "post:a"})

    assert "Set-Cookie" in first.headers
    assert "Set-Cookie" not in again.headers
