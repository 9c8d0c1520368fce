"""The last step of the set-up: a first post."""

from __future__ import annotations

import re

import pytest

from core import founding
from core.audit import events
from plugins.posts import records
from tests.conftest import browser_of
from tests.people import signed_in

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
FIRST = {"title": "Dawn", "free": "For all.", "paid": "For buyers.", "price": "0.20"}


@pytest.fixture
def owner(make_site):
    return signed_in(browser_of(make_site("posts", "paywall", "playmoney")), "owner")


@pytest.mark.parametrize("language", ["en", "it"])
def test_the_form_can_be_published_as_it_stands(make_site, language):
    """Its words are in the site's language, its price as the reader writes one."""
    site = make_site("posts", "paywall", "playmoney", language=language)
    owner = signed_in(browser_of(site), "owner")
    page = owner.client.get("/admin/posts/first").text
    values = dict(re.findall(r'name="(title|price)" value="([^"]*)"', page))
    texts = dict(re.findall(r'<textarea[^>]* name="(\w+)"[^>]*>([^<]*)<', page))
    led = owner.post("/admin/posts/first", **texts | values)

    slug = {"en": "my-first-post", "it": "il-mio-primo-articolo"}[language]
    assert values["price"] == {"en": "0.20", "it": "0,20"}[language]
    assert led.location == f"/{slug}?first=1"
    assert records.find_card(f"post:{slug}").language == language


def test_it_is_on_sale_at_once(owner):
    """Who is not the owner sees the teaser; the set-up is done, and the audit log knows."""
    led = owner.post("/admin/posts/first", **FIRST)
    page = browser_of(owner.client.application).get("/dawn").text

    assert led.location == "/dawn?first=1"
    assert "For all." in page
    assert "For buyers." not in page
    assert records.find_card("post:dawn").fields == {"price": "0.20 EUR"}
    assert founding.reached() == founding.DONE
    assert [one.subject for one in events(action="posts.publish")] != []


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"title": ""}, "Title: is missing"),
        ({"paid": ""}, "Write here what opens for the price"),
        ({"price": "much"}, "Price: "),
        ({"price": "0"}, "Price: "),
        ({"free": "<!-- more -->"}, "stands there twice"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_stored(owner, wrong, says):
    """The form keeps what was typed, and the set-up is not done."""
    answer = owner.post("/admin/posts/first", **FIRST | wrong)

    assert answer.status_code == 422
    assert says in answer.text
    assert ("For buyers." in answer.text) is ("paid" not in wrong)
    assert records.find_card("post:dawn") is None
    assert founding.reached() == "site"


def test_a_title_that_is_taken_is_told(owner):
    """Sent twice, the second form finds the first one's text."""
    owner.post("/admin/posts/first", **FIRST)
    answer = owner.post("/admin/posts/first", **FIRST)

    assert answer.status_code == 422
    assert "another text has the address /dawn already" in answer.text


def test_without_a_price_everybody_reads_all_of_it(make_site):
    """An empty price is none; without a plugin that closes texts there is no field for one."""
    owner = signed_in(browser_of(make_site("posts")), "owner")
    page = owner.client.get("/admin/posts/first").text
    owner.post("/admin/posts/first", **FIRST)

    assert 'name="price"' not in page
    assert "everybody will read all of it" in page
    assert "For buyers." in browser_of(owner.client.application).get("/dawn").text
    assert "for everybody" in owner.client.get("/dawn?first=1").text
