"""A theme is tried by one session for half an hour, and by nobody else."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine

from core.clock import now
from core.people import users
from core.storage import transaction
from core.web import trying
from tests.conftest import browser_of
from tests.people import OTHER_EMAIL, signed_in

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
BAR = "Nobody else sees it"


@pytest.fixture
def app(make_site):
    return make_site("posts")


@pytest.fixture
def owner(app):
    return signed_in(browser_of(app), "owner")


def address(owner, theme="edicola"):
    """Return the address behind Try."""
    page = owner.client.get("/admin/themes/").text
    return re.search(rf'href="(/\?theme={theme}&amp;sig=[^"]+)"', page)[1].replace("&amp;", "&")


def test_the_owner_sees_the_real_pages_in_it(app, owner):
    """From page to page, with a bar on top; nothing of it is kept, and nobody else sees it."""
    other = browser_of(app)
    first, next_ = owner.client.get(address(owner)), owner.client.get("/search")
    assert "/static/theme/edicola/" in first.text
    assert BAR in first.text
    assert BAR in next_.text
    assert first.headers["Cache-Control"] == "private, no-store"
    for path in ("/", "/search"):
        assert "edicola" not in other.get(path).text
    assert BAR not in owner.client.get("/admin/themes/").text


def test_it_is_left_or_used_with_one_tap(app, owner):
    """Leaving changes nothing; using it is for everybody."""
    owner.client.get(address(owner))
    assert owner.post("/admin/themes/leave").status_code == 303
    assert BAR not in owner.client.get("/").text
    owner.client.get(address(owner))
    owner.post("/admin/themes/use", theme="edicola")

    assert BAR not in owner.client.get("/").text
    assert "/static/theme/edicola/" in browser_of(app).get("/").text


def test_it_holds_for_half_an_hour(owner):
    """Then the address and the cookie are worth nothing."""
    link = address(owner)
    owner.client.get(link)
    with time_machine.travel(now() + timedelta(minutes=31), tick=False):
        assert BAR not in owner.client.get("/").text
        assert BAR not in owner.client.get(link).text


@pytest.mark.parametrize("role", ["", "reader", "editor", "owner"])
def test_an_address_that_is_passed_on_shows_nothing(app, owner, role):
    """Neither to a guest nor to staff, nor to another owner: it names the session."""
    link = address(owner)
    client = browser_of(app)
    if role:
        signed_in(client, role, email=OTHER_EMAIL)
    answer = client.get(link)

    assert answer.status_code == 200
    assert "/static/theme/edicola/" not in answer.text
    assert BAR not in answer.text
    assert "trial" not in answer.headers.get("Set-Cookie", "")


@pytest.mark.parametrize("sig", ["", "x", "x" * 1_500, "é", "a.b.c", "[]"])
def test_what_is_made_up_shows_nothing(owner, sig):
    """In the address or as a cookie."""
    assert BAR not in owner.client.get("/", query_string={"theme": "edicola", "sig": sig}).text
    owner.client.set_cookie(trying.LOOPBACK_COOKIE, sig.encode().hex() or "0")
    assert BAR not in owner.client.get("/").text


def test_who_lost_the_right_no_longer_tries(app, owner):
    """The right is asked for with each page."""
    link = address(owner)
    signed_in(browser_of(app), "owner", email=OTHER_EMAIL)
    with transaction():
        users.set_role(owner.user, "editor", actor="test")

    assert owner.client.get("/admin/themes/").status_code == 403
    assert BAR not in owner.client.get(link).text
