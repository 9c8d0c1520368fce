"""Find a Chromium on this machine and drive it with Playwright.

No browser is downloaded here: `tools/browser.py`, which `make test` runs first, does that.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from werkzeug.serving import make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication
    from playwright.sync_api import Browser, Page, Playwright

NAMES = (
    "chromium-headless-shell", "chrome-headless-shell", "chromium", "chromium-browser",
    "google-chrome", "google-chrome-stable",
)  # fmt: skip
"""How a Chromium is called on the path; the shell without windows, half as much work, first."""

DOWNLOADS = ("chromium_headless_shell-*/*/*headless[-_]shell", "chromium-*/*/chrome")
"""Where Playwright keeps the browsers that it has downloaded, below its cache."""

LAUNCH_ARGUMENTS = (
    "--no-sandbox",  # a container runs it as root
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)

REMEDY = (
    "no Chromium found: install one (Debian: apt-get install chromium-headless-shell), "
    "run `.venv/bin/python -m playwright install chromium-headless-shell`, "
    "or set OBOLO_CHROMIUM to its path"
)


def find_chromium() -> str | None:
    """Return the path of a Chromium, or None.

    `$OBOLO_CHROMIUM` comes first, then the usual names on the path, then Playwright's cache.
    A path in `$OBOLO_CHROMIUM` that cannot be run counts as none, so that a slip is noticed.
    """
    if chosen := os.environ.get("OBOLO_CHROMIUM"):
        return shutil.which(chosen)
    on_path = (found for name in NAMES if (found := shutil.which(name)))
    return next(on_path, None) or _downloaded()


def browser_is_required() -> bool:
    """Tell whether a missing browser is an error (`OBOLO_REQUIRE_BROWSER=1`, as CI sets it)."""
    return os.environ.get("OBOLO_REQUIRE_BROWSER", "0") not in {"", "0"}


def chromium() -> str:
    """Return the path of a Chromium; without one skip the test, or fail where one is required."""
    found = find_chromium()
    if found is None and browser_is_required():
        pytest.fail(REMEDY)
    if found is None:
        pytest.skip(REMEDY)
    return found


_running: list[tuple[Playwright, Browser]] = []


def shared_browser() -> Browser:
    """Return this process's headless Chromium, started once; skip or fail as `chromium` does.

    A process can drive Playwright once only, so all tests in it share what was started first.
    """
    if not _running:
        path = chromium()
        driver = pytest.importorskip("playwright.sync_api", reason="install playwright")
        playwright: Playwright = driver.sync_playwright().start()
        browser = playwright.chromium.launch(
            executable_path=path, args=list(LAUNCH_ARGUMENTS), headless=True
        )
        _running.append((playwright, browser))
    return _running[0][1]


def end_browser() -> None:
    """End what `shared_browser` started, if anything."""
    while _running:
        playwright, browser = _running.pop()
        browser.close()
        playwright.stop()


@contextmanager
def opened(app: WSGIApplication) -> Iterator[Page]:
    """Serve a site on a free port, and yield a page of a browser that finds it by paths alone."""
    browser = shared_browser()
    others = browser.contexts
    server = make_server("127.0.0.1", 0, app, threaded=True)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        yield browser.new_page(base_url=f"http://localhost:{server.port}")
    finally:
        for context in browser.contexts:
            if context not in others:
                context.close()
        server.shutdown()
        serving.join()
        server.server_close()


def _downloaded() -> str | None:
    """Return the newest browser in Playwright's cache, or None."""
    default = Path.home() / ".cache" / "ms-playwright"
    cache = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or default)
    found = [path for pattern in DOWNLOADS for path in cache.glob(pattern)]
    runnable = [path for path in found if os.access(path, os.X_OK)]
    return str(max(runnable, key=_build)) if runnable else None


def _build(path: Path) -> int:
    """Return the build number in the name of a folder such as `chromium-1200`."""
    digits = path.parent.parent.name.rpartition("-")[2]
    return int(digits) if digits.isdigit() else 0
