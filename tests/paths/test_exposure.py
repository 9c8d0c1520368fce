"""What a stranger must not find: sources, listings, debug pages, and answers without a type."""

from __future__ import annotations

import pytest

from tests.conftest import browser_of

HIDDEN = (
    "/.git/config", "/.git/HEAD", "/.env", "/.venv/bin/python", "/obolo.toml",
    "/instance/obolo.toml",
    "/instance/keys/", "/keys/session.key", "/obolo.db", "/core/app.py", "/wsgi.py",
    "/docs/", "/docs/hooks.md",
    "/console", "/debug", "/debug/", "/__debug__/", "/server-status", "/metrics", "/phpinfo.php",
    "/wp-admin/", "/static/", "/static/core/", "/static/theme/", "/static/core/../app.py",
    "/static/core/%2e%2e/app.py", "/static/core/..%2fapp.py", "/static/theme/..%2f..%2ftheme.toml",
    "/backup.tar.gz", "/backups/", "/files/", "/api/docs", "/openapi.json",
    "/swagger", "/swagger.json",
    "/graphql", "/actuator", "/healthz/..", "/requirements.lock", "/pyproject.toml", "/Makefile",
)  # fmt: skip


@pytest.fixture
def client(make_site):
    return browser_of(make_site("posts", "paywall", "tipjar", "playmoney"))


@pytest.mark.parametrize("path", HIDDEN)
def test_what_is_not_a_page_is_not_there(client, path):
    """No source, no listing, no key, no page for developers."""
    answer = client.get(path)

    assert answer.status_code in (301, 308, 404)
    if answer.status_code != 404:
        assert client.get(path, follow_redirects=True).status_code == 404


@pytest.mark.parametrize(
    "path", ["/", "/library/", "/sign-in", "/nothing", "/healthz", "/feed.xml"]
)
def test_an_answer_says_its_type_and_charset(client, path):
    """Nobody has to guess."""
    kind = client.get(path).content_type

    assert kind.startswith(("text/", "application/"))
    if kind.startswith("text/"):
        assert "charset=utf-8" in kind


@pytest.mark.parametrize("method", ["TRACE", "TRACK", "DEBUG", "CONNECT", "PROPFIND"])
def test_odd_methods_are_refused(client, method):
    """A method that no view declares does nothing."""
    assert client.open("/", method=method).status_code in (400, 403, 405)


def test_of_a_parameter_given_twice_the_first_counts(client):
    """So no check looks at one and an act at another."""
    answer = client.post(
        "/sign-in", data="email=no+address&email=ada%40example.org",
        content_type="application/x-www-form-urlencoded",
    )  # fmt: skip

    assert answer.status_code == 422


ORIGINS = (
    "http://evil.example", "https://evil.example", "null", "http://localhost.evil.example",
    "http://evillocalhost", "http://localhost:81", "https://localhost", "file://", "*", "",
    "http://localhost@evil.example", "http://127.0.0.1", "chrome-extension://x", "HTTP://LOCALHOST",
)  # fmt: skip


@pytest.mark.parametrize("path", ["/", "/library/", "/account/", "/nothing", "/feed.json"])
def test_no_origin_may_read_what_is_another_sites(client, path):
    """No header of CORS is ever sent, whoever asks, by whatever method."""
    for origin in ORIGINS:
        for method in ("GET", "OPTIONS", "HEAD"):
            asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
            answer = client.open(path, method=method, headers=asked)
            allowed = [name for name, _ in answer.headers if name.startswith("Access-Control")]
            assert not allowed, (origin, method)


def test_what_is_encoded_twice_is_decoded_once(client):
    """The second layer stays what it is: text on a page, a name that nobody has in an address."""
    page = client.get("/search?q=%253Cscript%253E").text
    assert "%3Cscript%3E" in page
    assert "&lt;script&gt;" not in page
    assert client.get("/%252e%252e/etc/passwd").status_code == 404
    assert client.get("/static/core/%252e%252e%252fapp.py").status_code == 404

    to = client.get("/sign-in?to=%252F%252Fevil.example").text
    assert 'value="//evil.example"' not in to
