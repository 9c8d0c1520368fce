"""A whole site in a process of its own, as `make run` starts it, and a browser to use it with."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zlib import crc32

import pytest
from playwright.sync_api import Browser

from core.testing.browser import shared_browser
from tests.paths.people import Person, Site, somebody

ROOT = Path(__file__).parents[2]
READY_SECONDS = 60


@contextmanager
def running_site(home: Path, **environment: str) -> Iterator[str]:
    """Start `obolo run --demo` for a site in `home`, yield its address, and end it."""
    chosen = {**os.environ, "OBOLO_HOME": str(home), "PORT": "0", **environment}
    log = (home.parent / f"{home.name}.log").open("w+")
    process = subprocess.Popen(
        [sys.executable, "-m", "core.cli", "run", "--demo"],
        cwd=ROOT, env=chosen, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    try:
        yield _address(process, Path(log.name))
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)
        log.close()


def _address(process: subprocess.Popen, log: Path) -> str:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        found = re.search(r"http://localhost:\d+/", log.read_text())
        if found:
            urllib.request.urlopen(found[0] + "healthz", timeout=10).read()
            return found[0].rstrip("/")
        assert process.poll() is None, log.read_text()
        time.sleep(0.05)
    raise AssertionError(log.read_text())


@pytest.fixture(scope="session")
def demo_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of the demo site, which the tests of this process share."""
    home = tmp_path_factory.mktemp("demo") / "instance"
    with running_site(home, OBOLO_TRUSTED_PROXIES="1") as address:
        yield address


@contextmanager
def people_site(home: Path) -> Iterator[Site]:
    """Start a site that believes where a request says it is from, and prints its messages."""
    with running_site(home, OBOLO_TRUSTED_PROXIES="1") as address:
        yield Site(address, home.parent / f"{home.name}.log")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Yield a site for the tests of people, which those of this process share."""
    with people_site(tmp_path_factory.mktemp("people") / "instance") as found:
        yield found


KINDS = {
    "phone, Italian": ("phone", "it", True),
    "desktop, English": ("desktop", "en", True),
    "phone without JavaScript": ("phone", "en", False),
}


EVERY = os.environ.get("OBOLO_EVERY_WAY", "0") not in {"", "0"}
"""Whether each way is gone by every kind of person; else by one each, in turns (`make ways`)."""
LANGUAGES = ("it", "en", "it-IT", "en-GB")
IN_TURNS = ("test_people_", "test_figures_in_a_browser", "test_accessibility")
WALKS = "test_people_pages.py::test_no_page"
"""A walk through fifty pages takes minutes; `make ways` takes it."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave each way in a browser to one kind of person, so that all kinds have their ways."""
    if EVERY:
        return
    several: dict[str, list[pytest.Item]] = {}
    for item in items:
        if item.path.name.startswith(IN_TURNS) and hasattr(item, "callspec"):
            given = set(map(str, item.callspec.params.values()))
            if given & {*KINDS, *LANGUAGES}:
                rest = "-".join(sorted(given - {*KINDS, *LANGUAGES}))
                name = f"{item.path.name}::{item.originalname}[{rest}]"
                several.setdefault(name, []).append(item)
    spare = {
        id(item)
        for name, found in several.items()
        for number, item in enumerate(found)
        if number != crc32(name.encode()) % len(found) or name.startswith(WALKS)
    }
    left_out = [item for item in items if id(item) in spare]
    items[:] = [item for item in items if id(item) not in spare]
    config.hook.pytest_deselected(items=left_out)


@pytest.fixture(params=KINDS)
def person(request: pytest.FixtureRequest, browser: Browser, site: Site) -> Iterator[Person]:
    """Yield somebody with a phone or a desktop, in Italian or English, with scripts or without."""
    size, language, scripts = KINDS[request.param]
    with somebody(browser, site, size, language, scripts=scripts) as one:
        yield one


@pytest.fixture(params=[kind for kind, (_, _, scripts) in KINDS.items() if scripts])
def scripted(request: pytest.FixtureRequest, browser: Browser, site: Site) -> Iterator[Person]:
    """Yield the same with scripts only: passkeys need them."""
    size, language, _ = KINDS[request.param]
    with somebody(browser, site, size, language) as one:
        yield one


@pytest.fixture
def elsewhere(browser: Browser, site: Site, person: Person) -> Iterator[Person]:
    """Yield the second browser of the same person, on the other screen."""
    size = "desktop" if person.page.viewport_size["width"] < 1000 else "phone"
    with somebody(browser, site, size, person.language) as one:
        yield one


@pytest.fixture(scope="session")
def browser() -> Browser:
    """Return a headless Chromium; skips loudly, or fails, where there is none."""
    return shared_browser()
