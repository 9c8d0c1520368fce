"""Staff write in a browser: a text with its price, what survives a crash, pages without a fault."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.paths.conftest import people_site
from tests.paths.people import SCREENS, Site, somebody
from tests.paths.test_people_pages import page_faults
from tests.plugins.posts.pictures import photo

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("staff write")]
NEW = "/admin/posts/new-post"


@pytest.fixture(scope="module")
def desk(browser, tmp_path_factory) -> Iterator[tuple[Site, Any]]:
    """Yield a site, and what the browser of its owner carries once they are signed in."""
    with (
        people_site(tmp_path_factory.mktemp("desk") / "instance") as site,
        somebody(browser, site) as owner,
    ):
        owner.opens(site.set_up_link())
        owner.types("E-mail address", "owner@example.com")
        owner.presses("Go on")
        owner.adds_app()
        state = owner.page.context.storage_state()
        state["cookies"] = [one for one in state["cookies"] if one["name"] != "language"]
        yield site, state


def staff(browser: Browser, desk: tuple[Site, Any], size: str, locale: str) -> Page:
    """Return a page of the owner's."""
    context = browser.new_context(
        **SCREENS[size], base_url=desk[0].address, locale=locale, storage_state=desk[1],
        reduced_motion="reduce",
    )  # fmt: skip
    context.set_default_timeout(15_000)
    return context.new_page()


def test_a_text_is_written_priced_and_published_on_a_phone(browser, desk):
    """Task: sell a text. Its price takes two taps and four keys; a guest sees the free part."""
    page = staff(browser, desk, "phone", "it-IT")
    page.goto(NEW)
    page.get_by_label("Titolo", exact=True).fill("Una prova")
    page.get_by_label("Testo", exact=True).tap()
    page.keyboard.type("Per tutti.\n\nPer chi paga.")
    page.get_by_text("Inserisci", exact=True).first.tap()
    page.locator("[data-embed=tipjar] button").tap()
    page.get_by_label("Prezzo", exact=True).tap()
    page.keyboard.type("0,20")
    with page.expect_popup() as opened:
        page.get_by_role("button", name="Anteprima da visitatore").tap()
    expect(opened.value.locator("#open-title")).to_contain_text("0,20")
    expect(opened.value.locator("main")).not_to_contain_text("Per chi paga.")
    page.get_by_label("Pubblica ora").tap()
    page.locator(".deeds .primary").tap()
    expect(page.get_by_role("status").first).to_contain_text("Pubblicato")

    guest = browser.new_page(base_url=desk[0].address, locale="it-IT")
    guest.goto("/una-prova")
    expect(guest.locator("#open .primary")).to_contain_text("Paga 5,00")
    expect(guest.locator(".teaser")).to_contain_text("Per tutti.")
    assert "Per chi paga." not in guest.content()
    guest.close()
    page.context.close()


def test_what_is_typed_by_keyboard_survives_a_crash(browser, desk):
    """Task: go on after the battery was empty. The text is back by itself, and is thrown away."""
    page = staff(browser, desk, "desktop", "en-GB")
    page.goto(NEW)
    page.keyboard.type("A long night")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Bold")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("button", name="Italic")).to_be_focused()
    page.get_by_label("Text", exact=True).focus()
    page.keyboard.press("Control+b")
    page.keyboard.type("bold")
    page.keyboard.press("End")
    page.keyboard.type(" and more")
    expect(page.locator("#kept")).to_have_text(re.compile("Kept at .* not saved yet"))
    page.context.close()

    page = staff(browser, desk, "desktop", "en-GB")
    page.goto(NEW)
    expect(page.get_by_label("Text", exact=True)).to_have_value("**bold** and more")
    page.get_by_role("button", name="Throw them away").click()
    expect(page.get_by_label("Title", exact=True)).to_have_value("")
    page.context.close()


def pages(page: Page, folder: Path) -> Iterator[str]:
    """Yield the name of each kind of page of those who write, while it is shown."""
    page.goto("/admin/posts/")
    yield "list"
    page.locator("a.title").first.click()
    page.locator(".confirm summary").click()
    page.locator("#f-summary").fill("Un altro riassunto")
    page.locator(".deeds .primary").click()
    expect(page.get_by_role("status").first).to_be_visible()
    page.goto(page.url.partition("?")[0] + "/revisions")
    page.locator("tbody a").first.click()
    expect(page.locator(".difference .new")).not_to_have_count(0)
    yield "revision"
    page.goto(NEW)
    page.locator("#f-body").fill("x <!-- more -->\n\n{{ nothing }}")
    page.locator(".deeds .primary").click()
    expect(page.locator("#error")).to_be_focused()
    yield "mistakes"
    page.goto("/admin/media/")
    (folder / "garden.jpg").write_bytes(photo(".jpg"))
    page.locator("#f-files").set_input_files(folder / "garden.jpg")
    page.locator(".upload button").click()
    expect(page.locator("h1")).to_have_text("garden.jpg")
    yield "medium"
    page.goto("/admin/media/")
    yield "media"


def test_no_page_of_those_who_write_has_a_fault(browser, desk, tmp_path):
    """axe finds nothing, headings are in order, targets are large, nothing is too wide."""
    page = staff(browser, desk, "desktop", "it-IT")
    found = {
        name: [one for one in page_faults(page, name) if 'type="radio"' not in one]
        for name in pages(page, tmp_path)
    }
    page.context.close()

    assert len(found) == 5
    assert {name: wrong for name, wrong in found.items() if wrong} == {}
