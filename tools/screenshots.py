"""Walk through a demo site and take pictures of its pages.

    python -m tools.screenshots http://127.0.0.1:8000 docs/screenshots   the README's three
    python -m tools.screenshots --all http://127.0.0.1:8000 FOLDER       every page, to look at

The site is one that `make run` has started: the walk buys a text with play money.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    Route,
    ViewportSize,
)

from core.testing.browser import end_browser, shared_browser

PHONE: ViewportSize = {"width": 390, "height": 844}
DESKTOP: ViewportSize = {"width": 1280, "height": 900}
SIZES = {"phone": PHONE, "desktop": DESKTOP}
CLOSED = "article:has(.price) h2 a"
FREE = "article:not(:has(.price)) h2 a"


def walk(page: Page, site: str) -> Iterator[str]:
    """Use a demo site as a reader does; yield the name of each kind of page while it is shown."""
    page.goto(site)
    yield "home"
    closed = page.locator(CLOSED).first.get_attribute("href")
    free = page.locator(FREE).first.get_attribute("href")
    page.goto(f"{site}{free}")
    yield "free"
    page.goto(f"{site}{closed}")
    yield "closed"
    page.locator("#open").scroll_into_view_if_needed()
    yield "panel"
    yield from _pay(page)
    yield "open"
    for name, address in (
        ("tag", page.locator("a[rel=tag]").first.get_attribute("href")),
        ("author", page.locator("a[rel=author]").first.get_attribute("href")),
        ("search", "/search?q=il"),
        ("button", f"/go/post:{str(closed).strip('/')}"),
        ("tips", "/x/tipjar/"),
        ("thanks", "/x/tipjar/thanks"),
        ("missing", "/no/such/page"),
        ("library", "/library/"),
    ):
        page.goto(f"{site}{address}")
        yield name
    page.locator(".list a[href^='/library/']").first.click()
    yield "receipt"


def _pay(page: Page) -> Iterator[str]:
    """Decline, cancel, then pay slowly, and wait until the text is open."""
    page.locator("#open .primary").click()
    yield "bank"
    _choose(page, "decline")
    yield "declined"
    page.locator(".way .primary").click()
    _choose(page, "cancel")
    yield "cancelled"
    page.locator(".way .primary").click()
    page.route("**/checkout/*", _no_fetch)  # so that the page of waiting stays to be looked at
    _choose(page, "slow")
    yield "waiting"
    page.unroute("**/checkout/*", _no_fetch)
    page.wait_for_url("**/*#opened")


def _choose(page: Page, how: str) -> None:
    page.locator(f"button[name=how][value={how}]").click()
    page.wait_for_url("**/checkout/*")


def _no_fetch(route: Route) -> None:
    if route.request.resource_type == "fetch":
        route.abort()
    else:
        route.continue_()


def _context(
    browser: Browser, size: str, language: str, scheme: str = "light", density: float = 2
) -> BrowserContext:
    return browser.new_context(
        viewport=SIZES[size], locale={"it": "it-IT", "en": "en-GB"}[language],
        device_scale_factor=density if size == "phone" else 1,
        color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce",
    )  # fmt: skip


def take_readme(browser: Browser, site: str, folder: Path) -> None:
    """Take the front page on a desktop, and a closed text on a phone, before and after."""
    page = _context(browser, "desktop", "it").new_page()
    page.goto(site)
    page.screenshot(path=folder / "desktop-home.png")
    page = _context(browser, "phone", "it", density=1.5).new_page()
    for name in walk(page, site):
        if name == "panel":
            page.screenshot(path=folder / "phone-closed.png")
        if name == "open":
            page.wait_for_load_state("networkidle")
            page.screenshot(path=folder / "phone-open.png")
            return


def take_all(browser: Browser, site: str, folder: Path) -> None:
    """Take every kind of page in both languages, sizes and schemes."""
    for language in ("it", "en"):
        for size in SIZES:
            for scheme in ("light", "dark"):
                page = _context(browser, size, language, scheme).new_page()
                for name in walk(page, site):
                    whole = name not in {"closed", "panel", "open"}
                    place = folder / f"{size}-{scheme}-{language}-{name}.png"
                    page.screenshot(path=place, full_page=whole)


def main() -> None:
    """Read the command line and take the pictures."""
    parser = argparse.ArgumentParser(description="Take pictures of a demo site.")
    parser.add_argument("site", help="the address that `make run` printed")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--all", action="store_true", help="every page, not only the README's")
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    take = take_all if chosen.all else take_readme
    try:
        take(shared_browser(), chosen.site.rstrip("/"), chosen.folder)
    finally:
        end_browser()


if __name__ == "__main__":
    main()
