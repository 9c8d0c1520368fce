"""The set-up in a browser: from a fresh install to the first sale that its owner makes to try."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Page, expect

from tests.paths.conftest import people_site
from tests.paths.people import somebody
from tests.paths.test_accessibility import violations
from tests.people import code_of

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("wizard")]
MOST_TAPS, MOST_KEYS = 12, 60
STEPS = ("site", "you", "look", "pay")


@dataclass
class Counted:
    """A page whose taps and keys are counted; typing is no tap."""

    page: Page
    taps: list[str] = field(default_factory=list)
    keys: int = 0

    def tap(self, selector: str) -> None:
        """Tap the one thing that this names."""
        self.taps.append(selector)
        self.page.locator(selector).tap()

    def type(self, selector: str, text: str) -> None:
        """Type into a field."""
        self.keys += len(text)
        self.page.locator(selector).fill(text)


@pytest.fixture(scope="module")
def fresh(browser, tmp_path_factory):
    """Yield somebody with a phone, in Italian, and a site that was just started."""
    home = tmp_path_factory.mktemp("wizard") / "instance"
    with people_site(home) as site, somebody(browser, site, "phone", "it") as one:
        yield one


def test_from_a_fresh_install_to_the_first_sale_in_twelve_taps(fresh, capsys):
    """Task O2: the link, a second factor, five steps, and the text is bought and read."""
    page, found, wide = fresh.page, {}, []
    counted = Counted(page)
    fresh.opens(fresh.site.set_up_link())
    counted.type("input[name=email]", "ada@example.com")
    counted.tap("main .primary")
    fresh.is_at("Second factor")
    link = page.get_by_role("link", name=fresh.says("Open it in an app on this device"))
    secret = re.search(r"secret=(\w+)", link.get_attribute("href"))[1]
    counted.type("input[name=code]", code_of(secret))
    counted.tap("form[action$='/second-factor/app'] button")
    counted.tap("main a.primary")
    for step in (*STEPS, "post"):
        page.wait_for_url(re.compile(r"/admin/(setup/?|posts/)(first)?" + f"({step})?$"))
        expect(page.locator("[aria-current=step]")).to_have_count(1)
        found[step] = violations(page)
        page.set_viewport_size({"width": 320, "height": 844})
        wide += [step] * page.evaluate("document.documentElement.scrollWidth > 320")
        page.set_viewport_size({"width": 390, "height": 844})
        counted.tap(".goes .primary")
    page.wait_for_url("**/*?first=1")
    fresh.is_told("Play money: nothing is taken from you.")
    found["first"] = violations(page)
    page.set_viewport_size({"width": 390, "height": 844})
    counted.tap("#open .primary")
    counted.tap("button[name=how][value=pay]")
    page.wait_for_url("**/*#opened")
    with capsys.disabled():
        print(f"\nfrom the link to the text: {len(counted.taps)} taps, {counted.keys} keys")

    expect(page.locator("main")).to_contain_text("Questa parte si apre con un solo pagamento")
    assert {name: wrong for name, wrong in found.items() if wrong} == {}
    assert wide == []
    assert len(counted.taps) <= MOST_TAPS
    assert counted.keys <= MOST_KEYS


def test_the_keyboard_alone_goes_back_and_skips(fresh):
    """After the first test: every button and link of a step is reached, and shows its focus."""
    page = fresh.page
    fresh.opens("/admin/setup/look")
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(
            "getComputedStyle(document.activeElement).outlineStyle !== 'none' &&"
            "(document.activeElement.value ?? document.activeElement.textContent)"
        ))  # fmt: skip
        if reached[-1] == fresh.says("Back"):
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**/admin/setup/you")

    assert reached[-6:-1] == ["", "#0f5f57", "save", "skip", "try"]
    assert "quaderno" in reached
