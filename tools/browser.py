"""See to it that the browser tests have a Chromium: find one, or try to install one.

`make test` runs this. Without a browser it says loudly what to do and goes on; the browser
tests are skipped then. Under `OBOLO_REQUIRE_BROWSER=1` that is an error.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys

from core.testing.browser import LAUNCH_ARGUMENTS, REMEDY, browser_is_required, find_chromium

DOWNLOAD_SECONDS = 120
"""How long Playwright may take; a closed network answers late or never."""

INSTALL_SECONDS = 600
START_SECONDS = 30
APT_INSTALL = ("apt-get", "install", "-y", "--no-install-recommends")
PACKAGES = ("chromium-headless-shell", "chromium")
"""Debian's names; older systems know the second only."""


def run(*command: str, seconds: int) -> bool:
    """Run a command with its output shown, and tell whether it ended well in time.

    It has a process group of its own, so that what it started ends with it.
    """
    print("browser:", " ".join(command), flush=True)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, env=quiet, start_new_session=True)
    try:
        return process.wait(seconds) == 0
    except subprocess.TimeoutExpired:
        print(f"browser: no end after {seconds} s", flush=True)
        return False
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def download() -> None:
    """Ask Playwright for its own browser, and give it back if it does not run here."""
    playwright = (sys.executable, "-m", "playwright")
    run(*playwright, "install", "chromium-headless-shell", seconds=DOWNLOAD_SECONDS)
    if (found := find_chromium()) and not starts(found):
        run(*playwright, "uninstall", seconds=DOWNLOAD_SECONDS)


def install() -> None:
    """Ask Debian for its browser, where this process may install packages."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        run("apt-get", "update", seconds=INSTALL_SECONDS)
        any(run(*APT_INSTALL, package, seconds=INSTALL_SECONDS) for package in PACKAGES)


def starts(chromium: str) -> bool:
    """Tell whether a browser runs here: a downloaded one may miss the system's libraries."""
    page = ("--headless", *LAUNCH_ARGUMENTS, "--dump-dom", "about:blank")
    return run(chromium, *page, seconds=START_SECONDS)


def main() -> int:
    """Return the exit code: 0, or 1 when a browser is required and there is none."""
    if find_chromium():
        return 0
    for attempt in (download, install):
        attempt()
        if find_chromium():
            return 0
    end = "A browser is required here." if browser_is_required() else "Browser tests are skipped."
    line = "=" * 78
    print(f"{line}\n{REMEDY}\n{end}\n{line}", file=sys.stderr, flush=True)
    return 1 if browser_is_required() else 0


if __name__ == "__main__":
    sys.exit(main())
