"""Each theme on the real pages, in a browser; and an owner who tries, uses and takes back one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from flask import Flask
from werkzeug.serving import make_server

from core import settings
from core.cli import demo
from tests.conftest import browser_of
from tests.paths.test_accessibility import violations
from tests.people import SESSION_COOKIE, signed_in
from tools.screenshots import CLOSED, FREE, SIZES

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]
WIDTHS = (320, 640, 1280)
"""The narrowest that must fit (WCAG 2.2, 1.4.10), a desktop at 200 percent, a desktop."""
SMALL = """() => [...document.querySelectorAll(
  'button, .btn, input:not([type=hidden]), select, .site a, .ways a, .list a, .tags a, h2 a'
)].filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < 23.9)
  .map((one) => one.outerHTML)"""

UNSEEN = """() => [...document.querySelectorAll('body *')].filter((one) => {
  const { color, backgroundColor } = getComputedStyle(one);
  return one.checkVisibility() && one.innerText && color === backgroundColor;
}).map((one) => one.outerHTML)"""
"""Words in the colour of what they stand on: axe says of them that it cannot tell."""


@pytest.fixture
def app(make_site):
    """Return the demo's site."""
    app = make_site("posts", "paywall", "tipjar", "wallet", "playmoney")
    with app.app_context():
        demo.load()
    return app


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """Answer browsers from a thread, and yield the address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def pages(page, site) -> Iterator[str]:
    """Open one page of each kind, and yield its name while it is shown."""
    page.goto(site)
    yield "home"
    closed = page.locator(CLOSED).first.get_attribute("href")
    free = page.locator(FREE).first.get_attribute("href")
    addresses = {
        "closed": closed, "free": free, "search": "/search?q=il", "tips": "/x/tipjar/",
    }  # fmt: skip
    for name, address in addresses.items():
        page.goto(f"{site}{address}")
        yield name
    page.goto(f"{site}{closed}")
    page.locator("#open .primary").click()
    page.locator("button[name=how]").first.wait_for()
    yield "bank"


def too_wide(page) -> list[int]:
    """Return the widths at which the page scrolls sideways."""
    wide = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 844})
        if page.evaluate("document.documentElement.scrollWidth") > width:
            wide.append(width)
    return wide


@pytest.mark.parametrize("name", ["edicola", "foglio"])
def test_a_theme_is_worn_without_a_fault(app, browser, name):
    """axe finds nothing in light or dark, nothing scrolls sideways, nothing foreign is asked for.

    What is tapped is 24 pixels high at least, titles in lists too (WCAG 2.2, 2.5.8).
    """
    settings.save("site.theme", name, "test")
    asked, said, faults = set(), [], {}
    page = browser.new_page(viewport=SIZES["phone"], reduced_motion="reduce")
    page.on("request", lambda request: asked.add(request.url))
    page.on("console", lambda line: said.append(line.text) if line.type == "error" else None)
    with served(app) as site:
        for kind in pages(page, site):
            found = [*violations(page), *too_wide(page)]
            found += [*page.evaluate(SMALL), *page.evaluate(UNSEEN)]
            page.emulate_media(forced_colors="active")
            if (
                kind == "closed"
                and page.evaluate(
                    "getComputedStyle(document.querySelector('#open .primary')).borderTopWidth"
                )
                == "0px"
            ):
                found.append("a button without an edge in forced colours")
            page.emulate_media(forced_colors="none")
            if found:
                faults[kind] = found
        page.close()
    fonts = {urlsplit(one).path for one in asked if one.endswith(".woff2")}

    assert faults == {}
    assert {urlsplit(one).netloc for one in asked} == {urlsplit(site).netloc}
    assert [line for line in said if "404" not in line] == []
    assert bool(fonts) == (name != "foglio"), fonts


def test_an_owner_tries_uses_and_takes_back_a_theme(app, browser):
    """Task O5, by one tap each, on a phone: only the owner sees what is tried."""
    client = browser_of(app)
    owner = signed_in(client, "owner")
    context = browser.new_context(viewport=SIZES["phone"], reduced_motion="reduce")
    page, reader = context.new_page(), browser.new_page()
    worn = "document.querySelectorAll('link[href*=edicola]').length"
    seen, faults = [], {}
    with served(app) as site:
        context.add_cookies([{"name": SESSION_COOKIE, "value": owner.token, "url": site}])
        page.goto(f"{site}/admin/themes/")
        faults["themes"] = [*violations(page), *too_wide(page)]
        page.set_viewport_size(SIZES["phone"])
        page.locator(".theme", has_text="Edicola").get_by_role("link", name="Try").click()
        reader.goto(site)
        seen.append((page.evaluate(worn), reader.evaluate(worn)))
        faults["trying"] = [*violations(page), *too_wide(page)]
        page.get_by_role("button", name="Use it").click()
        reader.goto(site)
        seen.append((page.get_by_role("status").inner_text(), reader.evaluate(worn)))
        page.get_by_role("button", name="Back to Quaderno").click()
        reader.goto(site)
        seen.append((page.get_by_role("status").inner_text(), reader.evaluate(worn)))
        page.goto(f"{site}/admin/themes/edicola/settings")
        faults["settings"] = [*violations(page), *too_wide(page)]
        context.close()
        reader.close()

    assert seen == [
        (1, 0), ("Your readers see Edicola now.", 1), ("Your readers see Quaderno now.", 0),
    ]  # fmt: skip
    assert {name: found for name, found in faults.items() if found} == {}
