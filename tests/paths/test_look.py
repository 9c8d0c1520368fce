"""The look keeps its promises: small, of one's own house, and whole without JavaScript."""

from __future__ import annotations

import gzip
import re
from dataclasses import dataclass, field
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
    assert all((ROOT / "core/static" / one.removeprefix("../../core/")).is_file() for one in named)


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


@dataclass
class Seen:
    """What was noticed on one walk through the site."""

    wide: list[str] = field(default_factory=list)
    small: list[str] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)
    said: list[str] = field(default_factory=list)
    fonts: set[str] = field(default_factory=set)


@pytest.fixture(scope="module")
def seen(browser, demo_site):
    """Walk through the site once, and note what every page does."""
    found = Seen()
    page = browser.new_page(viewport=SIZES["phone"], reduced_motion="reduce")
    page.on("request", lambda request: found.asked.add(urlsplit(request.url).netloc))
    page.on("console", lambda line: found.said.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: found.said.append(str(error)))
    for name in walk(page, demo_site):
        found.small += [f"{name}: {one}" for one in page.evaluate(SMALL)]
        found.wide += _too_wide(page, name, (390, 320, 640))
        page.set_viewport_size(SIZES["phone"])
        found.fonts |= set(page.evaluate(LOADED))
    page.close()
    return found


SMALL = """() => [...document.querySelectorAll(
  'button, .btn, input:not([type=hidden]), select, .site a, .ways a, .list a, .tags a'
)].filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < 43.9)
  .map((one) => one.outerHTML)"""
ON_SCREEN = """() => {
  const { top } = document.getElementById('opened').getBoundingClientRect();
  return top >= 0 && top < innerHeight;
}"""
LOADED = """() => [...document.fonts].filter((one) => one.status === 'loaded')
  .map((one) => one.family.replaceAll('"', ''))"""


def _too_wide(page, name, widths):
    # Playwright evaluates in a world of its own, so this works with the page's scripts off too.
    for width in widths:
        page.set_viewport_size({"width": width, "height": 844})
        if (real := page.evaluate("document.documentElement?.scrollWidth ?? 0")) > width:
            yield f"{name}: {real} at {width}"


class TestInABrowser:
    pytestmark = in_browser

    def test_no_page_scrolls_sideways(self, seen):
        """Every page fits at 390 and 320 pixels, and at 640: a desktop at 200 percent."""
        assert seen.wide == []

    def test_no_page_scrolls_sideways_without_scripts(self, browser, demo_site):
        """The way to the bank and back is walked with JavaScript off, and every page fits."""
        context = browser.new_context(viewport=SIZES["phone"], java_script_enabled=False)
        page = context.new_page()
        wide, names = [], []
        for name in walk(page, demo_site):
            names.append(name)
            wide += _too_wide(page, name, (390,))
            if name == "waiting":  # it ends by looking again, which the walk leaves to the script
                break
        context.close()

        assert names[-1] == "waiting"
        assert wide == []

    def test_what_one_taps_is_large_enough(self, seen):
        """Buttons, fields and links that stand alone are 44 pixels high or more on a phone."""
        assert seen.small == []

    def test_everything_comes_from_the_site_itself(self, seen, demo_site):
        """No request leaves the house; the fonts are the site's own and are there."""
        assert seen.asked - {""} == {urlsplit(demo_site).netloc}
        assert seen.fonts >= {"Inter", "Literata"}

    def test_no_page_breaks_its_own_policy(self, seen):
        """Nothing is refused by the content security policy, and no script fails."""
        expected = ("404", "ERR_FAILED")  # the missing page, and the fetch that the walk stops
        assert [line for line in seen.said if not any(one in line for one in expected)] == []

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
        page.wait_for_function(ON_SCREEN)  # the way there may be smooth
        page.close()

    def test_a_button_is_pressed_once_and_keeps_its_width(self, browser, demo_site):
        """The second press sends nothing; the button says that it is at work."""
        page = _closed(browser, demo_site, "phone")
        sent, busy, grown = page.evaluate(
            """() => {
              const button = document.querySelector('#open .primary');
              const width = button.offsetWidth;
              let sent = 0;
              addEventListener('submit', (event) => {
                if (!event.defaultPrevented) sent += 1;
                event.preventDefault();
              });
              button.click();
              button.click();
              return [sent, button.getAttribute('aria-busy'), button.offsetWidth - width];
            }"""
        )
        page.close()

        assert (sent, busy, grown) == (1, "true", 0)

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
    page = browser.new_page(viewport=SIZES[size], reduced_motion="reduce")
    page.goto(site)
    page.locator(CLOSED).first.click()
    page.locator("#open").wait_for()
    return page
