"""On a phone: one text free, one at a price of one's own, one for a friend."""

from __future__ import annotations

import re

import pytest

from tests.paths.test_accessibility import violations
from tests.paths.test_themes_are_worn import served
from tests.plugins.posts.texts import bring, write
from tools.screenshots import SIZES

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]
TEXT = "Everybody reads this.\n\nAnd this.\n\n<!-- more -->\n\nOnly readers of {name} read that.\n"


@pytest.fixture
def site(make_site, tmp_path):
    """Yield the address of a site with three texts, one of which is old."""
    app = make_site(
        "posts", "paywall", "prices", "wallet", "takeback", "gifts", "playmoney",
        settings={
            "site.name": "Il Taccuino", "prices.free_a_month": 1, "prices.steps": "365 = 50",
            "prices.floor": 5,
        },
    )  # fmt: skip
    more = {"price": "0.40 EUR", "summary": "On walking slowly.", "authors": "Ada Rossi"}
    for name, own in {
        "snails": {}, "clouds": {"pay_what_you_want": "yes"}, "lamps": {"published": "2025-01-02"},
    }.items():  # fmt: skip
        front = {"title": f"A history of {name}", "language": "en", **more, **own}
        write(tmp_path / "texts", name, TEXT.format(name=name), **front)
    bring(app, tmp_path / "texts")
    with served(app) as address:
        yield address


@pytest.fixture
def somebody(browser, site):
    """Return what opens a phone that was never here."""
    opened = []

    def new():
        context = browser.new_context(
            viewport=SIZES["phone"], has_touch=True, is_mobile=True, base_url=site, locale="en-GB"
        )
        context.set_default_timeout(15_000)
        opened.append(context)
        return context.new_page()

    yield new
    for context in opened:
        context.close()


def tap(page, name):
    page.get_by_role("button", name=re.compile(name)).tap()


def is_read(page, name):
    page.wait_for_url(f"**/{name}#opened")
    return f"Only readers of {name} read that." in page.inner_text("main")


def test_free_then_chosen_then_given(somebody):
    """Each is a tap or two; the old text costs half; a friend opens the gift, once."""
    page, friend, faults = somebody(), somebody(), {}
    page.goto("/snails")
    assert page.context.cookies() == []
    tap(page, r"^Read this one free \(1 of 1 left\)$")
    assert is_read(page, "snails")

    page.goto("/clouds")
    faults["panel"] = violations(page)
    page.set_viewport_size(SIZES["phone"])
    page.get_by_label("Or pay what you want").fill("0.01")
    tap(page, "^Pay this and read$")
    assert "Please choose an amount from €0.11" in page.get_by_role("alert").inner_text()
    assert page.get_by_label("Your own amount").input_value() == "0.01"
    faults["too little"] = violations(page)
    page.get_by_label("Your own amount").fill("0.30")
    tap(page, "^Pay this and read$")
    tap(page, "^Pay €5.00$")
    tap(page, "^Pay$")
    assert is_read(page, "clouds")

    page.goto("/lamps")
    assert page.get_by_role("button", name="Pay €0.20 from your balance and read").is_visible()
    page.get_by_role("link", name="Or give it to somebody").tap()
    page.get_by_role("heading", name="A gift for €0.20").wait_for()
    tap(page, "^Pay €0.20 from your balance$")
    tap(page, "^Make the link$")
    page.locator("code.link").wait_for()
    faults["gift"] = violations(page)
    friend.goto(page.locator("code.link").inner_text())
    faults["open"] = violations(friend)
    assert friend.context.cookies() == []
    tap(friend, "^Open the gift$")
    assert is_read(friend, "lamps")
    page.goto("/x/gifts/")

    assert "Opened on" in page.inner_text("main")
    assert {name: wrong for name, wrong in faults.items() if wrong} == {}
