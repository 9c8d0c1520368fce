"""The look keeps its promises: small, of one's own house, and whole without JavaScript."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tools.screenshots import CLOSED, SIZES, walk

ROOT = Path(__file__).parents[2]
THEME = ROOT / "themes" / "quaderno" / "static"
TEMPLATES = [
    path
    for folder in ("core", "plugins", "themes")
    for path in sorted((ROOT / folder).rglob("templates/**/*.html"))
]
in_browser = [pytest.mark.browser, pytest.mark.xdist_group("demo")]


@pytest.mark.parametrize(("name", "most"), [("theme.css", 8 * 1024), ("theme.js", 3 * 1024)])
def test_the_theme_is_small(name, most):
    """One stylesheet of 8 KB and one script of 3 KB at most, in gzip."""
    assert len(gzip.compress((THEME / name).read_bytes())) <= most


def test_the_stylesheet_writes_into_layers():
    """The layers are named first and in order, so that child themes need no specificity."""
    css = re.sub(r"/\*.*?\*/", "", (THEME / "theme.css").read_text(), flags=re.DOTALL).strip()
    assert css.startswith("@layer reset, tokens, base, layout, parts, plugin, theme;")


def test_the_stylesheet_takes_only_files_that_are_here():
    """Every url() of the stylesheet is a file of core's, under the address at which it stands."""
    named = re.findall(r"url\(([^)]+)\)", (THEME / "theme.css").read_text())

    assert len(named) == 3
    assert all((ROOT / "core/static" / one.removeprefix("../core/")).is_file() for one in named)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_template_has_nothing_inline_and_nothing_foreign(template):
    """No style, no handler, no script that runs, and no address elsewhere."""
    text = template.read_text()
    scripts = re.findall(r"<script\b([^>]*)>", text)

    assert not re.search(r"<style\b|\sstyle=|\son[a-z]+=|javascript:", text)
    assert all("src=" in one or "application/ld+json" in one for one in scripts)
    assert not re.search(r"(src|href|action)=[\"'](https?:)?//", text)


@pytest.mark.parametrize("selector", ["#0F5F57", "#6FCFC2"])
def test_the_colours_are_those_of_the_brief(selector):
    """The accent in light and in dark stands in one declaration."""
    assert selector in (THEME / "theme.css").read_text()


class TestInABrowser:
    pytestmark = in_browser

    @pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
    def test_no_page_scrolls_sideways(self, browser, demo_site, scripts):
        """At 390 pixels, and at 320, every page fits, with JavaScript and without."""
        context = browser.new_context(viewport=SIZES["phone"], java_script_enabled=scripts)
        page = context.new_page()
        if not scripts:  # waiting ends by looking again, which the walk leaves to the script
            names = _until(page, demo_site, "waiting")
        else:
            names = walk(page, demo_site)
        wide = [
            (name, width)
            for name in names
            for width in (390, 320)
            if _page_width(page, width) > width
        ]
        context.close()

        assert wide == []

    def test_double_size_still_fits(self, browser, demo_site):
        """At 200 percent on a desktop, which is a page of 640 pixels, nothing is cut off."""
        page = browser.new_page(viewport={"width": 640, "height": 450})
        wide = [name for name in walk(page, demo_site) if _page_width(page, 640) > 640]
        page.close()

        assert wide == []

    def test_everything_comes_from_the_site_itself(self, browser, demo_site):
        """No request leaves the house; the fonts are the site's own and are there."""
        page = browser.new_page(viewport=SIZES["desktop"])
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        for _ in walk(page, demo_site):
            pass
        fonts = page.evaluate(
            "document.fonts.ready.then((all) => [...all]"
            ".filter((one) => one.status === 'loaded').map((one) => one.family))"
        )
        page.close()

        hosts = {urlsplit(url).netloc for url in asked if not url.startswith("data:")}
        assert hosts == {urlsplit(demo_site).netloc}
        assert {font.strip('"') for font in fonts} >= {"Inter", "Literata"}

    def test_no_page_breaks_its_own_policy(self, browser, demo_site):
        """Nothing is refused by the content security policy, and no script fails."""
        page = browser.new_page(viewport=SIZES["phone"])
        said = []
        page.on("console", lambda line: said.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        for _ in walk(page, demo_site):
            pass
        page.close()

        assert [line for line in said if "404" not in line and "ERR_FAILED" not in line] == []

    def test_the_bar_never_covers_what_has_focus(self, browser, demo_site):
        """Whatever the tab key reaches on a phone stands above the bar."""
        page = _closed(browser, demo_site, "phone")
        covered = []
        for _ in range(40):
            page.keyboard.press("Tab")
            covered += page.evaluate(
                """() => {
                  const bar = document.querySelector('.bar'), one = document.activeElement;
                  if (bar.hidden || bar.contains(one) || one === document.body) return [];
                  const under = one.getBoundingClientRect().bottom;
                  return under > bar.getBoundingClientRect().top ? [one.outerHTML] : [];
                }"""
            )
        page.close()

        assert covered == []

    def test_the_bar_hides_while_the_panel_is_in_view(self, browser, demo_site):
        """It leads to the panel, so it is there before, gone beside, and absent on a desktop."""
        page = _closed(browser, demo_site, "phone")
        bar = page.locator(".bar")
        before = bar.is_visible()
        bar.get_by_role("link").click()
        bar.wait_for(state="hidden")
        on_screen = page.locator("#open .primary").bounding_box()
        page.close()
        desktop = _closed(browser, demo_site, "desktop")
        beside = desktop.locator(".bar").is_visible()
        desktop.close()

        assert before
        assert on_screen["y"] + on_screen["height"] <= SIZES["phone"]["height"]
        assert not beside

    def test_focus_is_on_the_receipt_line_after_paying(self, browser, demo_site):
        """Whoever comes back reads on from there: the line has focus and is on the screen."""
        page = browser.new_page(viewport=SIZES["phone"])
        for name in walk(page, demo_site):
            if name == "open":
                break
        page.wait_for_function("document.activeElement.id === 'opened'")
        box = page.locator("#opened").bounding_box()
        page.close()

        assert 0 <= box["y"] < SIZES["phone"]["height"]

    def test_a_button_is_pressed_once_and_keeps_its_width(self, browser, demo_site):
        """The second press sends nothing; the button says that it is at work."""
        page = _closed(browser, demo_site, "phone")
        button = page.locator("#open .primary")
        sent = []
        page.route("**/checkout/offer", lambda route: sent.append(route))
        width = button.bounding_box()["width"]
        button.click(no_wait_after=True)
        busy = button.get_attribute("aria-busy")
        button.click(no_wait_after=True)
        after = button.bounding_box()["width"]
        page.wait_for_timeout(100)
        page.close()

        assert busy == "true"
        assert after == width
        assert len(sent) == 1

    def test_a_chosen_scheme_is_kept(self, browser, demo_site):
        """Dark holds on the next page too, before anything is painted, and can be undone."""
        page = browser.new_page(viewport=SIZES["desktop"], color_scheme="light")
        page.goto(demo_site)
        page.locator(".scheme select").select_option("dark")
        page.goto(f"{demo_site}/library/")
        dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
        page.locator(".scheme select").select_option("")
        light = page.evaluate("getComputedStyle(document.body).backgroundColor")
        page.close()

        assert dark == "rgb(20, 19, 15)"
        assert light == "rgb(255, 253, 249)"


def _closed(browser, site, size):
    page = browser.new_page(viewport=SIZES[size])
    page.goto(site)
    page.locator(CLOSED).first.click()
    page.locator("#open").wait_for()
    return page


def _until(page, site, last):
    for name in walk(page, site):
        yield name
        if name == last:
            return


def _page_width(page, width):
    page.set_viewport_size({"width": width, "height": 844})
    # Playwright evaluates in its own world, so this works with the page's scripts off too.
    return page.evaluate("document.documentElement.scrollWidth")
