"""A plugin is tried in a child process before it goes live; whatever it does there, we hear why."""

from __future__ import annotations

import os
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from core import settings, storage
from core.app import create_app
from core.config import load as load_config
from core.plugins import caller, enabled, preflight, switching
from core.plugins.preflight import NotReady
from core.settings import Setting
from core.storage import execute
from tests.conftest import KEK
from tests.core.plugins import shelf

sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def site(db, tmp_path):
    """A site with posts and one plugin of its own, which a test writes."""
    home = shelf.make_home(tmp_path / "home", KEK, db)
    with shelf.forgotten():
        create_app(load_config(home), immediate=True)

        def tried(code, name="own", manifest=""):
            shelf.put(home, name, code, manifest)
            return switching.switch_on(name, actor="test")

        yield SimpleNamespace(home=home, tried=tried)
        caller.load([])


def refused(site, code, **rest):
    """Try a plugin that must not pass; return the sentence and the detail."""
    before = settings.generation("plugins"), enabled.entries()
    with pytest.raises(NotReady) as caught:
        site.tried(code, **rest)
    assert (settings.generation("plugins"), enabled.entries()) == before, "something was changed"
    return str(caught.value), caught.value.report.detail


def test_a_plugin_that_works_is_switched_on(site):
    """On both databases, where its copy is gone afterwards; a page and the hooks were tried."""
    settings.save("site.name", "Il Taccuino", actor="test")
    code = shelf.page("own", "from core import value\n    return value('site.name')")
    report = site.tried(code + "assert True\n")

    assert (report.problem, report.pages, report.hooks) == ("", 1, ("register_blueprint",))
    assert enabled.names("enabled") == ("own",)
    assert list((site.home / "preflight").iterdir()) == []
    if storage.is_postgres():
        sql = "SELECT COUNT(*) FROM pg_namespace WHERE nspname LIKE 'preflight%'"
        assert execute(sql).fetchone()[0] == 0


@sqlite_only
def test_a_plugin_that_fails_stays_off_and_no_secret_is_told(site, monkeypatch):
    """Its output is what the owner reads when nothing better is known; secrets do not stand in it.

    A child that ends before it says anything is told apart from one that answers.
    """
    monkeypatch.setitem(
        settings._declared, "own.key", Setting(kind="secret", name="own.key", label={})
    )
    settings.save("own.key", "sk_live_0123456789", actor="test")
    session = (site.home / "keys" / "session.key").read_text().strip()
    body = f"print('sk_live_0123456789 {session}', flush=True)\nimport os\nos._exit(7)\n"
    sentence, detail = refused(site, shelf.HEAD + body)

    assert sentence == "own stays as it is: it ended its process with 7"
    assert "••• •••" in detail
    assert session not in detail


@sqlite_only
def test_a_plugin_that_hangs_is_ended_with_what_it_started(site, monkeypatch):
    """Within the time that it is given; its own processes end with it."""
    monkeypatch.setattr(preflight, "SECONDS", 3.0)
    code = "import os, subprocess, time\n"
    code += f"child = subprocess.Popen(['sleep', '60'])\nopen('{site.home}/pid', 'w')"
    code += ".write(str(child.pid))\ntime.sleep(60)\n"
    started = time.monotonic()
    sentence, _ = refused(site, shelf.HEAD + code)

    assert sentence.endswith("it did not end within 3 seconds")
    assert time.monotonic() - started < 8
    assert has_ended(int((site.home / "pid").read_text()))


def has_ended(pid):
    """Look until a process is gone, or waits for whoever adopted it to notice that it ended."""
    place = Path(f"/proc/{pid}/stat")
    for _ in range(100):
        if not place.exists() or place.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.02)
    return False


def test_what_a_killed_process_left_is_swept(tmp_path):
    """A copy holds what the site holds, so it does not stay."""
    for name, age in (("old", 7_200), ("new", 0)):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    preflight._sweep(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["new"]
