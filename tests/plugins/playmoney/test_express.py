"""The button that pays on the page itself, in a real browser: one tap, one charge, the text."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from core import settings
from core.storage import execute
from plugins.playmoney.chosen import local_bank
from tests.plugins.posts.texts import bring, write

pytestmark = [
    pytest.mark.browser,
    pytest.mark.plugins("posts", "paywall", "playmoney"),
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]
SECRET = "Behind the gate."
BUTTON = re.compile("Pay €0.20 · Play money")


@pytest.fixture
def page(app, browser_page, tmp_path):
    """A closed post, on a phone."""
    settings.save("playmoney.express", value=True, actor="test")
    settings.save("checkout.allow_loss", value=True, actor="test")
    body = f"Before.\n\n<!-- more -->\n\n{SECRET}\n"
    bring(app, write(tmp_path / "texts", "closed", body, price="0.20 EUR").parent)
    browser_page.goto("/closed")
    context = browser_page.context.browser.new_context(
        base_url=browser_page.url, viewport={"width": 390, "height": 844}
    )
    context.set_default_timeout(15_000)
    phone = context.new_page()
    phone.goto("/closed")
    yield phone
    context.close()


def test_one_tap_pays_and_opens_the_text(page):
    """Nothing leaves the site, and the bank knows of one charge."""
    strange = []
    page.on("console", lambda said: strange.append(said.text) if said.type == "error" else None)
    page.get_by_role("button", name=BUTTON).click()
    page.wait_for_url("**/closed#opened")

    expect(page.locator("main")).to_contain_text(SECRET)
    assert [row.minor for row in local_bank().charges()] == [20]
    assert strange == []


def test_a_bank_that_is_down_is_said_beside_the_button_and_another_tap_pays(page):
    """The same order, the same payment; and the other tab that went to the bank is let go."""
    other = page.context.new_page()
    other.goto("/closed")
    other.get_by_role("button", name="Pay €0.20 and read").click()
    other.wait_for_url("**/x/playmoney/pay/*")
    local_bank().faults.add("begin", "timeout")
    button = page.get_by_role("button", name=BUTTON)
    button.click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was taken")
    button.click()
    page.wait_for_url("**/closed#opened")
    other.reload()

    expect(other.locator("main")).to_contain_text("can no longer be paid")
    assert len(local_bank().charges()) == 1
    assert execute("SELECT COUNT(*) FROM orders_order").fetchone()[0] == 1


def test_without_a_script_the_form_is_all_there_is(page):
    """The button stays hidden, and the page shows no trace of it."""
    plain = page.context.browser.new_context(java_script_enabled=False)
    shown = plain.new_page()
    shown.goto(page.url)

    assert not shown.get_by_role("button", name=BUTTON).is_visible()
    expect(shown.get_by_role("button", name="Pay €0.20 and read")).to_be_visible()
    plain.close()
