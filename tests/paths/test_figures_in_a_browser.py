"""Home and Money of a site with a year behind it, as they are looked at."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.paths.conftest import ROOT, running_site
from tests.paths.test_accessibility import violations
from tools.screenshots import SIZES

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("figures")]

OWNER = """
from core import app, config
from core.people import sessions
from tests.people import make_user
with app.create_app(config.load()).app_context():
    user, _ = make_user("marta@example.org", role="owner", app=True, name="Marta")
    print("token", sessions.start(user.id, strong=True, proved=True, agent="Firefox"))
"""
PAGES = {
    "en-GB": ("/admin/home/", "/admin/money/?days=365"),
    "it-IT": ("/admin/money/?days=30", "/admin/money/owed"),
}
FIREFOX = "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0"
TOO_WIDE = "document.documentElement.scrollWidth > innerWidth"


def python(home, *words):
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, env={**os.environ, "OBOLO_HOME": str(home)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Yield the address of a site with a year of sales, and its owner's session."""
    home = tmp_path_factory.mktemp("figures") / "instance"
    python(home, "-m", "core.cli", "demo", "--year", "--orders", "120")
    token = python(home, "-c", OWNER).split()[-1]
    with running_site(home) as address:
        yield address, token


@pytest.fixture(params=["en-GB", "it-IT"])
def seen(browser, site, request):
    address, token = site
    context = browser.new_context(
        locale=request.param, viewport=SIZES["phone"], base_url=address, user_agent=FIREFOX
    )
    context.add_cookies([{"name": "obolo-session", "value": token, "url": address}])
    yield context.new_page(), PAGES[request.param]
    context.close()


def test_figures_can_be_read_by_everybody(seen):
    """Axe finds nothing in light and dark, on a phone and a desktop; no page is too wide."""
    (page, paths), found = seen, {}
    for path in paths:
        page.goto(path)
        found[path] = violations(page)
        page.set_viewport_size(SIZES["phone"])
        assert not page.evaluate(TOO_WIDE), path

    assert {path: wrong for path, wrong in found.items() if wrong} == {}


def test_a_chart_is_named_and_has_its_table_behind(seen):
    """What is drawn can be heard, and opened as a table without a script of its own."""
    page, _ = seen
    page.goto("/admin/money/?days=30")
    charts = page.get_by_role("img", name="t", exact=False).filter(has=page.locator("desc"))
    texts = page.locator(".plot .ys li").all_inner_texts()
    behind = page.locator("details.behind").first
    behind.locator("summary").press("Enter")

    assert charts.count() == 2
    assert any("€" in text for text in texts)
    assert behind.locator("tbody tr").count() == 30
    assert behind.locator("tbody th").first.is_visible()


def test_a_panel_says_that_it_came_into_view(browser, site):
    """Once, when the reader has come so far; the browser keeps nothing of it."""
    context = browser.new_context(viewport=SIZES["phone"], base_url=site[0], user_agent=FIREFOX)
    page = context.new_page()
    page.goto("/the-ferry-that-waits")
    with page.expect_response("**/seen/panel") as answer:
        page.locator("#open").scroll_into_view_if_needed()
    cookies = context.cookies()
    context.close()

    assert answer.value.status == 204
    assert answer.value.request.post_data == "resource=post%3Athe-ferry-that-waits"
    assert cookies == []
