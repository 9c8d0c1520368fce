"""Nobody is kept out: axe-core finds nothing on any page, however it is looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.screenshots import SIZES, walk

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("demo")]

AXE = Path(__file__).parents[1] / "vendor" / "axe.min.js"
RUN = """async (rules) => (await axe.run(document, { resultTypes: ['violations'], ...rules }))
  .violations.map((found) =>
    `${found.id}: ${found.nodes.map((node) => node.html).slice(0, 3).join(' | ')}`)"""
OF_COLOUR = {"runOnly": ["color-contrast", "link-in-text-block"]}
"""All that a scheme can change: the other rules look at what stands there, not at its colour."""


def violations(page) -> list[str]:
    """Return what axe-core finds on the page in both schemes and on both screens."""
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(AXE.read_text())
    found = set()
    for scheme, rules in (("light", {}), ("dark", OF_COLOUR)):
        for size, screen in SIZES.items():
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            page.set_viewport_size(screen)
            found |= {f"{size}, {scheme}: {one}" for one in page.evaluate(RUN, rules)}
    return sorted(found)


@pytest.mark.parametrize("locale", ["it-IT", "en-GB"])
def test_no_page_of_the_walk_has_a_violation(browser, demo_site, locale):
    """Every kind of page, in light and dark, on phone and desktop, in both languages."""
    context = browser.new_context(locale=locale, viewport=SIZES["phone"])
    page = context.new_page()
    found = {name: violations(page) for name in walk(page, demo_site)}
    language = page.locator("html").get_attribute("lang")
    context.close()

    assert language == locale[:2]
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_axe_finds_what_is_wrong(browser, demo_site):
    """The test can fail: a button without a name and grey words on grey are both found."""
    page = browser.new_page()
    page.goto(demo_site)
    page.evaluate(
        "main.append(document.createElement('button'));"
        "document.querySelector('h2').classList.add('pale');"
        "document.adoptedStyleSheets = [new CSSStyleSheet()];"
        "document.adoptedStyleSheets[0].replaceSync('.pale a { color: #bbb; background: #ddd }');"
    )
    found = "\n".join(violations(page))
    page.close()

    assert "button-name" in found
    assert "color-contrast" in found


def test_the_keyboard_alone_reaches_the_price(browser, demo_site):
    """The first tab stop leads past the header, and the button that pays shows its focus."""
    page = browser.new_page(viewport=SIZES["desktop"])
    names = walk(page, demo_site)
    while next(names) != "closed":
        pass
    page.keyboard.press("Tab")
    first = page.evaluate("document.activeElement.className")
    outline = "0px"
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('#open button')"):
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
            break
    page.close()

    assert first == "skip"
    assert outline == "3px"
