"""Twenty-four plugins that do what no plugin should: contained, caught, or trusted by name.

One site with two workers meets those that turn bad while they are on: it answers again within five
seconds, and the owner reads which plugin it was. A caller without a breaker keeps failing.
"""

from __future__ import annotations

import http.client
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest

from core import config as configuration
from core import storage
from core.app import create_app
from core.plugins import breaker, caller, switching, watching
from core.plugins.preflight import NotReady
from tests.conftest import KEK, sqlite_url
from tests.core.plugins import shelf
from tests.proofs.hostile import ALL, CAUGHT, LIVE, TRUSTED

ROOT = Path(__file__).parents[2]
AGAIN_SECONDS = 5.0
NAMED_SECONDS = 20.0
pytestmark = pytest.mark.proof


class Server:
    """A site with two workers, whose list of plugins is changed behind its back."""

    def __init__(self, home: Path) -> None:
        self.home, self.log = home, home.parent / "server.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "core.cli", "run", "--workers", "2"],
                cwd=ROOT, env={**os.environ, "OBOLO_HOME": str(home), "PORT": "0"},
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        found = None
        deadline = time.monotonic() + 60
        while found is None:
            assert time.monotonic() < deadline, self.log.read_text()
            assert self.process.poll() is None, self.log.read_text()
            found = re.search(r"http://localhost:\d+", self.log.read_text())
            time.sleep(0.05)
        self.address = found[0]

    def status(self, path: str, seconds: float = 3.0) -> int:
        """Ask once; 0 when nobody answered in this time, or not to the end."""
        try:
            with urllib.request.urlopen(self.address + path, timeout=seconds) as answer:
                answer.read()
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code
        except (OSError, http.client.HTTPException):
            return 0

    def put(self, name: str, code: str) -> None:
        """Put a plugin into the list as one that passed its trial long ago."""
        shelf.put(self.home, name, code)
        self.write(
            "INSERT INTO plugins_plugin VALUES (?, 'enabled', 1, '', '', 0) "
            "ON CONFLICT (name) DO UPDATE SET state = 'enabled'", name,
        )  # fmt: skip

    def remove(self, name: str) -> None:
        """Switch it off."""
        self.write("UPDATE plugins_plugin SET state = 'off' WHERE name = ?", name)

    def write(self, sql: str, name: str) -> None:
        """Change the list, and tell the workers."""
        with closing(sqlite3.connect(self.home / "obolo.db", timeout=30)) as db, db:
            db.execute(sql, [name])
            db.execute(
                "INSERT INTO site_generation (name, number) VALUES ('plugins', 1) "
                "ON CONFLICT (name) DO UPDATE SET number = number + 1"
            )

    def entry(self, name: str) -> tuple[str, str]:
        """Return its state and why."""
        sql = "SELECT state, reason FROM plugins_plugin WHERE name = ?"
        with closing(sqlite3.connect(self.home / "obolo.db", timeout=30)) as db:
            return db.execute(sql, [name]).fetchone()

    def stop(self) -> None:
        """End it and all that it started."""
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def server(template, tmp_path_factory):
    home = tmp_path_factory.mktemp("hostile") / "home"
    shelf.make_home(home, KEK, sqlite_url(template, home.parent))
    (home.parent / "obolo.db").rename(home / "obolo.db")
    (home / "obolo.toml").write_text(f'database = "sqlite:///{home}/obolo.db"\nplugins = ["posts"]')
    running = Server(home)
    yield running
    running.stop()


def until(true, seconds):
    deadline = time.monotonic() + seconds
    while not (found := true()):
        if time.monotonic() > deadline:
            return None
        time.sleep(0.05)
    return found


@pytest.mark.parametrize("what", LIVE)
def test_a_plugin_that_turns_bad_is_paused_and_the_site_answers(server, what):
    """However it fails; who asks while it does may wait, everybody else is served within 5 s."""
    name = "bad" + re.sub("[^a-z]", "", what.lower())
    server.put(name, LIVE[what])

    def named():
        server.status("/", 0.5)
        state, reason = server.entry(name)
        return reason if state == "paused" else None

    reason = until(named, NAMED_SECONDS)
    started = time.monotonic()
    answered = until(lambda: server.status("/") == 200, AGAIN_SECONDS)
    took = time.monotonic() - started
    server.remove(name)

    assert reason, server.log.read_text()[-3_000:]
    assert "render_slot" in reason
    assert answered, server.log.read_text()[-3_000:]
    assert took < AGAIN_SECONDS


@pytest.mark.parametrize("what", CAUGHT)
def test_what_a_trial_can_see_never_goes_live(template, tmp_path, what):
    """The owner reads one sentence about it, and nothing was changed."""
    code, words = CAUGHT[what]
    home = shelf.make_home(tmp_path / "home", KEK, sqlite_url(template, tmp_path))
    create_app(configuration.load(home), immediate=True)
    shelf.put(home, "hostile", code)
    with pytest.raises(NotReady) as caught:
        switching.switch_on("hostile", actor="test")
    storage.close()
    caller.load([])

    assert words in str(caught.value)


def test_the_list_is_complete_and_the_owner_reads_what_is_trusted():
    """What nothing holds back in one process stands on the page about security, in these words."""
    page = " ".join((ROOT / "docs" / "security.md").read_text().split())

    assert len({*LIVE, *CAUGHT, *TRUSTED}) == ALL
    assert [one for one in (*LIVE, *CAUGHT, *TRUSTED) if one not in page] == []


def test_without_a_breaker_it_would_fail_for_ever(template, tmp_path, monkeypatch):
    """The weak twin: the same caller, whose failures nobody counts."""
    storage.connect(sqlite_url(template, tmp_path))
    told = []
    monkeypatch.setattr(watching, "failed", lambda *what: told.append(what))
    for _ in range(20):
        with pytest.raises(Exception, match="bad failed in"):
            caller.run("bad", "render_slot", lambda: 1 / 0)

    assert len(told) == 20
    assert breaker.store() == []
    storage.close()
