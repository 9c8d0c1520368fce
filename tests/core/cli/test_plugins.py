"""obolo plugins: list, enable, disable, order, uninstall, trace."""

from __future__ import annotations

import zipfile

import pytest

from core.plugins import breaker, enabled, watching
from core.storage import execute
from tests.core.plugins import shelf

sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
pytestmark = sqlite_only


@pytest.fixture(autouse=True)
def _own(home):
    reports = watching.failed
    with shelf.forgotten():
        yield
    watching.failed = reports


def test_plugins_are_listed_with_the_reason_why_one_is_off(obolo, monkeypatch):
    """Those that are on come first, in their order; `--long` says what each does."""
    monkeypatch.setenv("OBOLO_PLUGINS", "tipjar,nobody")
    rows = [line.split(maxsplit=2) for line in obolo("plugins").text.splitlines()]
    watching.take_timings()  # of other tests in this process
    watching.end("tipjar", "render_slot", breaker.perf_counter() - 0.25, None, failed=True)
    breaker.store_timings()
    long = obolo("plugins", "list", "--long").text

    assert rows[0][:2] == ["on", "tipjar"]
    assert rows[1][:2] == ["paused", "nobody"]
    assert "no folder of this name" in rows[1][2]
    assert ["off", "paywall"] in [row[:2] for row in rows]
    (line,) = [line for line in long.splitlines() if "render_slot" in line and "1 calls" in line]
    assert line.split()[-2:] == ["1", "errors"]


def test_a_plugin_is_switched_on_and_off(obolo):
    """What is tried says what was tried; what does not pass shows the trace, and stays off."""
    on = obolo("plugins", "enable", "tipjar")
    again = obolo("plugins", "disable", "tipjar", "playmoney")
    off = obolo("plugins", "disable", "tipjar")

    assert on.text == "tipjar is on; 2 pages and 3 hooks were tried.\n"
    assert again.text == "tipjar is off.\nplaymoney is off.\n"
    assert str(off.error) == "tipjar is off already."


def test_what_hangs_when_it_is_imported_can_still_be_switched_off(obolo, home):
    """None of its code runs for that, nor to put others in order, nor to take it away."""
    marks = home / "ran"
    shelf.put(home, "evil", f"open('{marks}', 'w')\n")
    obolo("plugins", "list")
    enabled.enable("evil", actor="test")
    done = [
        obolo("plugins", "order", "evil"), obolo("plugins", "disable", "evil"),
        obolo("plugins", "uninstall", "evil", "--delete", "--yes"),
    ]  # fmt: skip

    assert [one.code for one in done] == [0, 0, 0]
    assert done[0].text == "evil playmoney\n"
    assert not marks.exists()
    assert not (home / "plugins" / "evil").exists()


def test_nothing_is_deleted_before_somebody_says_so(obolo, home):
    """The tables are named with their rows; no answer is a no."""
    shelf.put(home, "own", "")
    obolo("plugins", "list")
    execute("CREATE TABLE own_note (id TEXT)")
    asked = obolo("plugins", "uninstall", "own", "--delete")
    kept = obolo("plugins", "uninstall", "own")

    assert asked.code == 1
    assert "own_note: 0 rows" in asked.text
    assert "Still there: own_note" in kept.text


def test_a_page_tells_which_hooks_ran_for_it(obolo, monkeypatch):
    """With their time and answer; a page that fails ends with 1."""
    monkeypatch.setenv("OBOLO_PLUGINS", "posts")
    done = obolo("plugins", "trace", "/?page=1")

    assert done.code == 0
    assert "posts        render_slot" in done.text
    assert "posts        page" in done.text
    assert done.text.splitlines()[-1].startswith("200 after ")


def test_scripts_are_listed_with_reasons_and_a_change_is_accepted_by_hand(obolo):
    """It ends with 1 while one differs, so that a watcher notices."""
    first = obolo("plugins", "scripts")
    execute("UPDATE scripts_script SET accepted = 'x' WHERE src = 'express.js'")
    changed = obolo("plugins", "scripts")
    accepted = obolo("plugins", "scripts", "--accept")

    assert (first.code, changed.code, accepted.code) == (0, 1, 0)
    assert "core: admin.js" in first.text
    assert "Pays with play money on the page itself." in first.text
    assert "no reason is given" not in first.text
    assert "changed: playmoney: express.js" in changed.text
    assert "accepted: playmoney: express.js" in accepted.text


def test_connections_are_checked(obolo):
    """One line for each answer; what is not on cannot look, and a no is exit 1."""
    good = obolo("plugins", "check-connection")
    odd = obolo("plugins", "check-connection", "posts")
    obolo("settings", "set", "playmoney.bank_url", "http://127.0.0.1:9")
    bad = obolo("plugins", "check-connection", "playmoney")
    told = obolo("doctor")

    assert good.text == "ok     playmoney      The bank runs within this site.\n"
    assert (good.code, bad.code, told.code) == (0, 1, 1)
    assert "posts: not on, or nothing to check" in odd.text
    assert bad.text.startswith("WRONG  playmoney      The bank did not answer")
    assert "WRONG  The connection of playmoney does not hold: The bank did not answer" in told.text


def test_what_it_keeps_is_written_before_it_goes(obolo, tmp_path):
    """To a new file that only its owner reads; a file that is there stops all of it."""
    obolo("plugins", "enable", "tipjar")
    obolo("plugins", "disable", "tipjar")
    file = tmp_path / "tipjar.zip"
    done = obolo("plugins", "uninstall", "tipjar", "--export", str(file), "--delete", "--yes")
    again = obolo("plugins", "uninstall", "tipjar", "--export", str(file))

    assert f"{file}: 0 rows of " in done.text
    assert (file.stat().st_mode & 0o777, zipfile.is_zipfile(file)) == (0o600, True)
    assert "cannot be written: File exists" in again.text
