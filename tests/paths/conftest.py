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

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser import chromium, launch

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
        found = re.search(r"http://[\d.]+:\d+/", log.read_text())
        if found:
            urllib.request.urlopen(found[0] + "healthz", timeout=10).read()
            return found[0].rstrip("/")
        assert process.poll() is None, log.read_text()
        time.sleep(0.05)
    raise AssertionError(log.read_text())


@pytest.fixture(scope="session")
def demo_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of the demo site, which the tests of this process share."""
    with running_site(tmp_path_factory.mktemp("demo") / "instance") as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Yield a headless Chromium; skips loudly, or fails, where there is none."""
    chromium()
    with sync_playwright() as playwright, launch(playwright) as browser:
        yield browser
