"""The administration in a browser: money is given back, and no page keeps anybody out."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.paths.conftest import EVERY, people_site
from tests.paths.people import somebody
from tests.paths.test_people_pages import page_faults

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("admin")]
LISTS = (
    "orders/",
    "readers/",
    "team/",
    "health/?all=1",
    "jobs/",
    "audit/?check=1",
    "backups/",
    "webhooks/",
    "buttons/",
    "plugins/playmoney",
    "themes/quaderno/settings",
    "go",
)


@pytest.fixture(scope="module")
def owner(browser, tmp_path_factory):
    """Yield the owner of a site that has sold something, on a desktop."""
    home = tmp_path_factory.mktemp("admin") / "instance"
    with people_site(home) as site, somebody(browser, site, "desktop", "it") as one:
        one.opens(site.set_up_link())
        one.types("E-mail address", "owner@example.com")
        one.presses("Go on")
        one.adds_app()
        with somebody(browser, site) as guest:
            guest.buys()
        yield one


def speaks(owner, language):
    """Let the owner choose a language, as the foot of a page does."""
    chosen = {"name": "language", "value": language, "url": owner.site.address}
    owner.page.context.add_cookies([chosen])


def test_money_goes_back_from_the_order_that_was_sold(owner):
    """Task: give a sale back. From the dialog to the refund in four taps, by the keyboard alone."""
    page = owner.page
    owner.opens("/admin/go")
    page.keyboard.press("Control+k")
    expect(page.locator("dialog")).to_be_visible()
    page.keyboard.type("ordini")
    page.keyboard.press("Enter")
    owner.is_at("Orders")
    page.locator(".table tbody a").first.focus()
    page.keyboard.press("Enter")
    order = page.locator("code", has_text="ord_").first.inner_text()
    page.locator("summary", has_text=owner.says("Give money back")).press("Enter")
    page.locator("input[name=line-1]").fill("0,20")
    owner.types("Why?", "Due volte")
    page.locator("input[name=reason]").press("Enter")

    expect(page.locator("#refunds")).to_contain_text("Due volte")
    expect(page.locator("#refunds")).to_contain_text(owner.says("done"))
    expect(page.locator(".story")).to_contain_text(owner.says("Given back"))
    page.keyboard.press("Control+k")
    page.keyboard.type(order)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/admin/orders/{order}")


def test_no_page_of_the_administration_has_a_fault(owner):
    """Axe in both schemes and on both screens, outline, width, targets; a wrong form says so."""
    page, said = owner.page, []
    page.on("console", lambda line: said.append((line.type, line.text)))
    found = {}
    for number, path in enumerate(LISTS):
        for language in ("en", "it") if EVERY else [("en", "it")[number % 2]]:
            speaks(owner, language)
            owner.opens(f"/admin/{path}")
            found[f"{language} {path}"] = page_faults(page, path)
    speaks(owner, "it")
    for path in ("orders/", "readers/"):
        owner.opens(f"/admin/{path}")
        page.locator(".table tbody a").first.click()
        page.wait_for_url(f"**/admin/{path}*_*")
        found[f"one of {path}"] = page_faults(page, path)
    owner.opens("/admin/webhooks/")
    owner.types("Address", "https://shop.example.org/hooks")
    owner.presses("Add")
    page.locator("main a[href*='/admin/webhooks/']").first.wait_for()
    found["one of webhooks/"] = page_faults(page, "one of webhooks/")
    owner.opens("/admin/readers/")
    page.locator(".table tbody a").first.click()
    page.wait_for_url("**/admin/readers/*_*")
    page.locator("summary").click()
    page.locator("#word").fill("no")
    page.locator(".confirm button").click()
    page.locator("[role=alert]").wait_for()
    found["erase, wrong"] = page_faults(page, "erase, wrong")
    owner.opens("/admin/go")
    page.keyboard.press("Control+k")
    expect(page.locator("dialog")).to_be_visible()
    found["dialog"] = page_faults(page, "dialog")

    assert {name: wrong for name, wrong in found.items() if wrong} == {}
    assert [text for kind, text in said if kind == "error" and "422" not in text] == []


def test_the_phone_has_its_sections_at_the_bottom_and_all_of_them(owner, browser):
    """Task: look at the orders on a phone without scripts, in two taps from one's own page."""
    cookies = owner.page.context.cookies()
    with somebody(browser, owner.site, "phone", "it", scripts=False) as phone:
        phone.page.context.add_cookies(cookies)
        phone.opens("/account/")
        phone.follows("Administration")
        rail = phone.page.locator(".rail")
        phone.page.wait_for_load_state()  # its styles are here
        box = rail.bounding_box()
        rail.get_by_role("link", name=phone.says("Sell"), exact=True).click()
        phone.is_at("Orders")
        rail.get_by_role("link", name=phone.says("All"), exact=True).click()
        phone.is_at("All pages")

        assert box["y"] + box["height"] == phone.page.viewport_size["height"]
