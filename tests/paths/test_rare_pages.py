"""What a reader seldom sees is as good as the rest: questions, instructions, pages that fail."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.paths.conftest import running_site
from tests.paths.test_accessibility import violations
from tools.screenshots import CLOSED, SIZES

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("rare")]
PLUGINS = "posts,paywall,tipjar,playmoney,rare"


@pytest.fixture(scope="module")
def rare_site(tmp_path_factory):
    """Yield a demo site with a plugin that asks, offers twice, and fails."""
    home = tmp_path_factory.mktemp("rare") / "instance"
    folders = str(Path(__file__).parent / "plugins")
    with running_site(
        home,
        OBOLO_PLUGINS=PLUGINS,
        OBOLO_PLUGIN_FOLDERS=folders,
        OBOLO_CHECKOUT__ALLOW_LOSS="true",
    ) as address:
        yield address


def rare_walk(page: Page, site: str) -> Iterator[str]:
    """Go where a demo does not lead; yield the name of each page while it is shown."""
    page.goto(site)
    closed = f"{site}{page.locator(CLOSED).first.get_attribute('href')}"
    page.goto(closed)
    yield "two offers"
    page.locator("#open button").nth(1).click()
    yield "questions"
    page.get_by_role("checkbox").check()
    page.get_by_role("radio").first.check()
    page.locator(".questions .primary").click()
    yield "two ways"
    page.locator(".way button.primary").click()
    yield "instructions"
    page.locator("article a.btn").click()
    yield "not paid yet"
    for name, status in (("broken", 500), ("unavailable", 503)):
        page.goto(f"{site}/x/rare/{status}")
        assert page.locator(".kicker").inner_text() == str(status)
        yield name
    page.goto(closed)
    page.evaluate("document.querySelector('#open [name=offer]').value = 'gone'")
    page.locator("#open button").first.click()
    assert page.locator(".kicker").inner_text() == "404"
    yield "no longer offered"
    form = f"<form method=post action={site}/checkout/offer><button>Go</button></form>"
    page.goto(f"data:text/html,{form}")
    page.get_by_role("button").click()
    assert page.locator(".kicker").inner_text() == "403"
    yield "from another site"


def whats_wrong(page: Page) -> list[str]:
    """Return what axe-core finds, and whether a phone would scroll sideways."""
    found = violations(page)
    page.set_viewport_size(SIZES["phone"])
    width = page.evaluate("document.documentElement.scrollWidth")
    return [*found, *(["scrolls sideways"] if width > SIZES["phone"]["width"] else [])]


def test_a_rare_page_has_no_violation_and_fits(browser, rare_site):
    """In both schemes, on both screens, and in Italian."""
    page = browser.new_page(locale="it-IT", viewport=SIZES["phone"])
    found = {name: whats_wrong(page) for name in rare_walk(page, rare_site)}
    language = page.locator("html").get_attribute("lang")
    page.close()

    assert language == "it"
    assert len(found) == 9
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_forced_colours_keep_what_one_taps_visible(browser, rare_site):
    """Where the reader's system chooses all colours, buttons and notices keep their edges."""
    context = browser.new_context(forced_colors="active", viewport=SIZES["phone"])
    page = context.new_page()
    page.goto(rare_site)
    page.goto(f"{rare_site}{page.locator(CLOSED).first.get_attribute('href')}")
    edge = page.locator("#open .primary").first.evaluate("e => getComputedStyle(e).borderTopWidth")
    fade = page.locator(".fade").first.evaluate("e => getComputedStyle(e).display")
    context.close()

    assert (edge, fade) == ("2px", "none")


def test_paper_shows_the_text_and_nothing_to_tap(browser, rare_site):
    """A print of a page has no menus, panels or buttons."""
    page = browser.new_page(viewport=SIZES["desktop"])
    page.goto(rare_site)
    page.goto(f"{rare_site}{page.locator(CLOSED).first.get_attribute('href')}")
    page.emulate_media(media="print")
    expect(page.locator("h1")).to_be_visible()
    expect(page.locator(".teaser")).to_be_visible()
    shown = page.locator("button:visible, nav:visible, .bar:visible, .panel:visible").count()
    page.close()

    assert shown == 0


def test_who_is_too_fast_is_told_how_to_go_on(browser, rare_site):
    """The last test here, because it shuts the door: a page like any other, with its status."""
    page = browser.new_page(locale="en-GB", viewport=SIZES["phone"])
    page.goto(rare_site)
    page.goto(f"{rare_site}{page.locator(CLOSED).first.get_attribute('href')}")
    for _ in range(70):
        sent = page.request.post(f"{rare_site}/checkout/offer", headers={"Origin": rare_site})
        if sent.status == 429:
            break
    page.locator("#open button").first.click()
    heading, wrong = page.locator("h1").inner_text(), whats_wrong(page)
    page.close()

    assert heading == "A little slower, please"
    assert wrong == []
