"""Into the administration, and from anywhere to anywhere else."""

from __future__ import annotations

import pytest

from tests.conftest import browser_of
from tests.people import signed_in

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def client(make_site):
    return browser_of(make_site())


def test_the_door_leads_to_the_first_page_that_somebody_may_see(client):
    """Task: begin the day's work, in one tap from one's own page."""
    signed_in(client, "owner")
    answer = client.get("/admin/")

    assert '/admin/"' in client.get("/account/").text
    assert answer.status_code == 303
    assert client.get(answer.location).status_code == 200


def test_a_page_is_found_by_its_name(client):
    """Task: go anywhere without a script, in one tap and one word."""
    signed_in(client, "owner")
    listed, found = client.get("/admin/go"), client.get("/admin/go?q=TEA")
    nothing = client.get("/admin/go?q=<b>")

    assert listed.text.count('href="/admin/team/"') > found.text.count('href="/admin/teams/"')
    assert 'class="rows"' in found.text
    assert "No page is called “&lt;b&gt;”." in nothing.text
    assert 'class="rows"' not in nothing.text


def test_the_page_around_a_page_says_where_one_is(client):
    """A way past the navigation and to the site, who is signed in; nothing keeps the page."""
    signed_in(client, "owner", name="Ada")
    page = client.get("/admin/team/")

    assert page.headers["Cache-Control"] == "private, no-store"
    for part in ('class="skip" href="#main"', 'class="name" href="/"', "<span>Ada</span>"):
        assert part in page.text
    assert page.text.count('aria-current="page"') == 1


def test_readers_do_not_get_in(client):
    """Nor do they see a way in."""
    signed_in(client, "reader")

    assert client.get("/admin/").status_code == 403
    assert client.get("/admin/go").status_code == 403
    assert "/admin/" not in client.get("/account/").text
