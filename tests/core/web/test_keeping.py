"""A page is drawn once for all who may see it; what plugins put on it is drawn each time."""

from __future__ import annotations

import pytest

from core import settings
from core.plugins import caller
from core.web.keeping import MOST_PAGES, kept_page
from core.web.rendering import draw_embed, slot


@pytest.fixture
def app(make_site):
    return make_site(settings={"site.name": "One"})


def drawing(text="page"):
    drawn = []

    def draw():
        drawn.append(1)
        return f"{text} {len(drawn)}"

    return draw


def test_a_page_is_drawn_once_for_a_key(app):
    """The second reader gets what the first one got."""
    draw = drawing()
    with app.test_request_context("/a"):
        first = kept_page("key", draw)
    with app.test_request_context("/a"):
        assert kept_page("key", draw) == first == "page 1"


@pytest.mark.parametrize(
    "other",
    [
        {"path": "/b"}, {"headers": {"Accept-Language": "it"}}, {"base_url": "https://localhost/"},
        {"base_url": "http://127.0.0.1/"}, {"path": "/a?q=1"},
    ],
)  # fmt: skip
def test_another_language_address_or_host_is_another_page(app, other):
    """All that a layout writes is part of what a page is kept by."""
    draw = drawing()
    with app.test_request_context("/a"):
        kept_page("key", draw)
    with app.test_request_context(**{"path": "/a", **other}):
        assert kept_page("key", draw) == "page 2"


def test_a_change_of_settings_draws_pages_anew(app):
    """The name of the site stands on all of them."""
    draw = drawing()
    with app.test_request_context("/a"):
        kept_page("key", draw)
        settings.save("site.name", "Two", actor="test")
        settings.reload()

        assert kept_page("key", draw) == "page 2"


def test_a_plugin_that_comes_draws_pages_anew(app):
    """It may fill a slot that was empty before."""
    draw = drawing()
    with app.test_request_context("/a"):
        kept_page("key", draw)
        caller.load([])

        assert kept_page("key", draw) == "page 2"


def test_what_stands_in_slots_and_directives_is_drawn_each_time(app, monkeypatch):
    """A plugin's piece may be about the reader."""
    seen = []
    monkeypatch.setattr("core.web.rendering.plugins.implementations", lambda _hook: ["one"])
    pieces = "core.web.rendering.plugins.render"
    monkeypatch.setattr(pieces, lambda *_a, **_k: [("one", f"<{len(seen)}>")])

    def draw():
        return f"a{slot('x')}b{draw_embed('nobody', {})}c"

    with app.test_request_context("/a"):
        first = kept_page("key", draw)
        seen.append(1)
        second = kept_page("key", draw)

    assert (first, second) == ("a&lt;0&gt;bc", "a&lt;1&gt;bc")


def test_so_many_addresses_do_not_fill_the_memory(app):
    """Beyond a thousand pages all are drawn anew."""
    for number in range(MOST_PAGES + 5):
        with app.test_request_context(f"/{number}"):
            kept_page("key", drawing())

    assert len(app.extensions["obolo_pages"]) <= MOST_PAGES
