"""A phone in Italian: one tap opens a text that is paid later, and one payment settles it."""

from __future__ import annotations

import re

import pytest

from core.cli.demo import DEMO_FOLDER
from core.testing.browser import opened
from tests.paths.demo import CLOSED, CLOSED_IT, paid_words
from tests.paths.test_accessibility import violations
from tests.paths.test_reader_buys_a_post import MOST_MS, PHONE, TOOK
from tests.plugins.posts.texts import bring

pytestmark = pytest.mark.browser


@pytest.fixture
def phone(make_site):
    """A phone that was never here before, on the demo's site with a tab switched on."""
    app = make_site("posts", "paywall", "wallet", "takeback", "tab", "playmoney")
    bring(app, DEMO_FOLDER)
    with opened(app) as first:
        first.goto("/")
        context = first.context.browser.new_context(**PHONE, base_url=first.url, locale="it-IT")
        yield context.new_page()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_reader_reads_now_and_pays_later(phone):
    """Teaser, one tap, text; the second tap as quick; then the tab, the bank, and a balance."""
    took = []
    for slug in sorted(CLOSED, key=lambda slug: slug != CLOSED_IT):
        phone.goto(f"/{slug}")
        phone.get_by_role("button", name=re.compile("^Leggi e paga 0,20\\s€ dopo$")).tap()
        phone.wait_for_url("**#opened")
        took.append(phone.evaluate(TOOK))
        assert all(words in phone.inner_text("main") for words in paid_words(slug))
    left = 500 - 20 * len(CLOSED)
    assert 0 < min(took) <= MOST_MS, took
    phone.locator("nav .balance").tap()
    assert f"0,{500 - left}" in phone.inner_text("h1")
    assert violations(phone) == []
    phone.set_viewport_size(PHONE["viewport"])
    phone.get_by_role("button", name=re.compile("^Paga 5,00\\s€$")).tap()
    phone.get_by_role("button", name="Paga", exact=True).tap()
    phone.wait_for_url("**/x/tab/")

    assert "0,00" in phone.inner_text("h1")
    assert f"{left // 100},{left % 100:02}" in phone.locator("nav .balance").inner_text()
