"""On a phone: a day costs no more than its most, and a pass opens all that is sold."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.paths.conftest import running_site
from tests.paths.demo import CLOSED, CLOSED_IT, paid_words
from tests.paths.test_rare_pages import whats_wrong
from tools.screenshots import SIZES

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("passes")]
ENVIRONMENT = {
    "OBOLO_PLUGINS": "posts,paywall,wallet,passes,playmoney", "OBOLO_PASSES__DAY_CAP": "30",
    "OBOLO_PASSES__DAY_PRICE": "100", "OBOLO_PASSES__MONTH_PRICE": "600",
}  # fmt: skip


@pytest.fixture(scope="module")
def passes_site(tmp_path_factory):
    """Yield a demo site that sells passes and caps a day."""
    with running_site(tmp_path_factory.mktemp("passes") / "instance", **ENVIRONMENT) as address:
        yield address


def opened(page, slug, button):
    """Tap a button of the panel, and pay at the bank where it leads there."""
    page.locator("#open").get_by_role("button", name=re.compile(f"^{button}$")).first.tap()
    page.wait_for_url("**#opened")
    assert all(words in page.inner_text("main") for words in paid_words(slug))


def test_a_day_has_its_most_and_a_pass_opens_the_rest(browser, passes_site):
    """0.20, the rest of 0.30, nothing; then a pass for a day, which the library lists."""
    context = browser.new_context(
        base_url=passes_site, locale="it-IT", viewport=SIZES["phone"], has_touch=True,
        is_mobile=True,
    )  # fmt: skip
    page, (first, second, third) = context.new_page(), _others()
    page.goto(f"/{CLOSED_IT}")
    expect(page.locator("#open")).to_contain_text("Oggi al massimo 0,30")
    expect(page.locator("#open")).to_contain_text("Pass di un giorno: tutto per 24 ore · 1,00")
    page.get_by_text("Altre offerte").tap()
    expect(page.locator("#open h3").last).to_be_visible()
    assert whats_wrong(page) == []
    page.locator("#open .primary").tap()
    page.get_by_role("button", name="Paga", exact=True).tap()
    page.wait_for_url("**#opened")
    page.goto(f"/{first}")
    opened(page, first, "Paga 0,10.€ dal tuo credito e leggi")
    page.goto(f"/{second}")
    expect(page.locator("#open h2")).to_have_text("Continua a leggere gratis")
    opened(page, second, "Leggi ora, gratis")
    page.goto(f"/{third}")
    page.get_by_text("Altre offerte").tap()
    expect(page.locator("#open details")).to_contain_text("Quanto hai speso di recente conta")
    opened(page, third, "Paga 1,00.€ dal tuo credito e leggi")
    page.goto("/library/")
    held = page.locator("main li", has_text="Pass per tutti gli articoli")

    expect(held).to_contain_text(re.compile(r"Fino al .*, \d\d:\d\d UTC"))
    assert whats_wrong(page) == []
    context.close()


def _others():
    return [slug for slug in CLOSED if slug != CLOSED_IT]
