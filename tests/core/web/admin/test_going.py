"""Into the administration, and from anywhere to anywhere else."""

from __future__ import annotations

import pytest

from tests.people import OTHER_EMAIL, signed_in
from tests.stand_in import sold

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


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


def test_the_number_of_an_order_leads_to_it(client, provider):
    """Task: from a mail with a number to the order, in no tap more than the keys of the dialog."""
    payment = sold(provider)
    signed_in(client, "bookkeeper")
    answers = [client.get(f"/admin/go?q={one}") for one in (payment.order, payment.id)]
    signed_in(client, "author", email=OTHER_EMAIL)

    assert [one.location for one in answers] == [f"/admin/orders/{payment.order}"] * 2
    assert client.get(f"/admin/go?q={payment.order}").status_code == 200


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
