"""The screens of webhooks."""

from __future__ import annotations

import re

import pytest

from core import http, outgoing
from core.clock import now
from core.outgoing.endpoints import secrets_of
from tests.conftest import browser_of
from tests.people import signed_in

URL = "https://hooks.example.org/x"
SECRET = re.compile(r"whsec_[\w+/=]+")


@pytest.fixture
def owner(make_site, monkeypatch):
    answer = http.Response(503, {}, b"<b>upstream</b>")
    monkeypatch.setattr(http, "request", lambda *_, **__: answer)
    return signed_in(browser_of(make_site()), "owner")


def made(owner):
    page = owner.post("/admin/webhooks/", url=URL, event="order.paid")
    (endpoint,) = outgoing.listed()
    return endpoint, page


def test_an_owner_adds_an_address_in_two_taps(owner):
    """Serves: tell my bookkeeping of sales. Type, add: the secret is shown this once."""
    endpoint, page = made(owner)
    (secret,) = SECRET.findall(page.text)

    assert page.status_code == 200
    assert secrets_of(endpoint.id, now()) == [secret]
    assert secret not in owner.client.get(f"/admin/webhooks/{endpoint.id}").text
    assert "hooks.example.org" in owner.client.get("/admin/webhooks/").text


def test_what_was_typed_comes_back_with_the_error(owner):
    """422 with the address and the ticks."""
    page = owner.post("/admin/webhooks/", url="https://10.0.0.8/", event="order.expired")

    assert page.status_code == 422
    assert 'value="https://10.0.0.8/"' in page.text
    assert re.search(r'value="order.expired" checked', page.text)
    assert outgoing.listed() == []


def test_a_test_shows_what_was_answered(owner):
    """Serves: see whether it works. One tap; the answer is text, whatever it holds."""
    endpoint, _ = made(owner)
    done = owner.post(f"/admin/webhooks/{endpoint.id}/test")
    page = owner.client.get(done.location).text
    (sent,) = outgoing.sent_to(endpoint.id)

    assert done.status_code == 303
    assert "503" in page
    assert "&lt;b&gt;upstream" in page
    assert sent.id in page
    again = owner.post(f"/admin/webhooks/{endpoint.id}/again/{sent.id}")
    assert again.location.endswith("?done=again")
    assert outgoing.sent_to(endpoint.id)[0].attempts == 1


def test_it_is_switched_and_gets_a_new_secret(owner):
    """Serves: pause it; a secret leaked. One tap each, and a fold."""
    endpoint, _ = made(owner)
    path = f"/admin/webhooks/{endpoint.id}"
    assert owner.post(f"{path}/switch", state="off").status_code == 303
    assert outgoing.find(endpoint.id).state == "off"
    assert owner.post(f"{path}/switch", state="odd").status_code == 400
    (secret,) = SECRET.findall(owner.post(f"{path}/secret").text)

    assert secrets_of(endpoint.id, now())[0] == secret


def test_it_is_removed_once_its_host_is_typed(owner):
    """Serves: stop telling it. What cannot be taken back asks for a word."""
    endpoint, _ = made(owner)
    path = f"/admin/webhooks/{endpoint.id}/remove"
    assert owner.post(path, host="hooks").status_code == 422
    assert outgoing.listed() == [endpoint]
    done = owner.post(path, host="hooks.example.org")

    assert done.location == "/admin/webhooks/?done=removed"
    assert outgoing.listed() == []


def test_a_long_log_has_pages(owner, monkeypatch):
    """Fifty a page."""
    endpoint, _ = made(owner)
    monkeypatch.setattr("core.web.admin.outgoing.PAGE", 2)
    for _ in range(3):
        outgoing.send_test(endpoint.id)
    page = owner.client.get(f"/admin/webhooks/{endpoint.id}").text
    (older,) = re.findall(r'rel="next" href="([^"]+)"', page)

    assert page.count("<tr>") == 3, "the head and two rows"
    assert owner.client.get(older).text.count("<tr>") == 2
