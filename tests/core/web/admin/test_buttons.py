"""Lines of HTML for other sites."""

from __future__ import annotations

import html
import re

import pytest

from tests.conftest import browser_of
from tests.core.web.test_buttons import PAGE, shop
from tests.people import signed_in

__all__ = ["shop"]


@pytest.fixture
def author(shop):
    return signed_in(browser_of(shop), "author")


def snippets(page):
    found = re.findall(r"<pre><code>(.*?)</code></pre>", page, re.DOTALL)
    return [html.unescape(one) for one in found]


def test_an_author_copies_a_button_in_three_taps(author):
    """Serves: sell on another site. Choose, type the page, show: a picture and a link."""
    page = author.client.get("/admin/buttons/", query_string={
        "to": "post:x", "page": PAGE, "language": "it",
    }).text  # fmt: skip
    picture, link = snippets(page)
    (address,) = re.findall(r'href="([^"]+)"', link)

    assert picture.startswith(f'<a href="{address}"><img src="http://localhost/embed/post:x.svg')
    assert "The ferry &amp; &lt;b&gt;more&lt;/b&gt;: Leggi per 0,20" in link
    led = author.client.get(html.unescape(address).removeprefix("http://localhost"))
    assert "Back to blog.example" in led.text


def test_a_host_that_is_not_allowed_is_told(author):
    """The button works without a way back; what is no page is told as well."""
    for wrong, words in (("https://evil.example/", "evil.example"), ("nonsense", "no page")):
        page = author.client.get(
            "/admin/buttons/", query_string={"to": "post:x", "page": wrong}
        ).text
        assert words in page
        assert "back=" not in snippets(page)[0]


def test_a_plugins_page_is_among_the_targets(make_site):
    """The tip jar says in its manifest that a button may lead to it."""
    app = make_site("tipjar", settings={"embed.hosts": "blog.example"})
    owner = signed_in(browser_of(app), "owner")
    page = owner.client.get(
        "/admin/buttons/", query_string={"to": "/x/tipjar/", "page": PAGE, "language": "it"}
    ).text
    (link,) = snippets(page)
    (address,) = re.findall(r'href="([^"]+)"', link)

    assert ">Lascia una mancia</a>" in link
    jar = app.test_client().get(html.unescape(address).removeprefix("http://localhost"))
    assert 'name="back" value="/go/back?back=https%3A%2F%2Fblog.example' in jar.text


def test_a_site_without_anything_says_so(make_site):
    """An empty list explains itself."""
    owner = signed_in(browser_of(make_site()), "owner")

    assert "nothing yet" in owner.client.get("/admin/buttons/?to=post:x").text
