"""The owner switches plugins on and off and takes them away; a refusal changes nothing."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from core import settings, storage
from core.app import build, create_app, go_live
from core.config import load
from core.errors import Conflict, NotFound
from core.plugins import caller, enabled, preflight, switching
from core.plugins.preflight import NotReady, Report
from core.storage import execute
from tests.conftest import KEK
from tests.core.plugins import shelf

TABLE = "def up(migrator, db):\n    db.execute_sql('CREATE TABLE notes_note (id TEXT)')\n"
SETTING = "\n[settings.size]\ntype = 'int'\ndefault = 5\nlabel.en = 'Size'\n"
NEEDS = 'depends = ["notes"]\n'


@pytest.fixture
def site(db, tmp_path, monkeypatch):
    """A site with a plugin that keeps notes, and one that needs it; trials are not the matter."""
    home = shelf.make_home(tmp_path / "home", KEK, db)
    folder = shelf.put(home, "notes", shelf.HEAD, SETTING)
    (folder / "migrations").mkdir()
    (folder / "migrations" / "0001_first.py").write_text(TABLE)
    shelf.put(home, "more", shelf.hook("describe", "return None"), NEEDS)
    report = SimpleNamespace(problem="")
    monkeypatch.setattr(preflight, "check", lambda name, home: Report(problem=report.problem))
    for table in ("notes_note", "notes_migrations", "more_migrations"):
        execute(f"DROP TABLE IF EXISTS {table}")
    with shelf.forgotten():
        create_app(load(home), immediate=True)
        yield SimpleNamespace(home=home, report=report, again=lambda: go_live(build(load(home))))
        caller.load([])
    for table in ("notes_note", "notes_migrations", "more_migrations"):
        execute(f"DROP TABLE IF EXISTS {table}")


def on(*names):
    for name in names:
        switching.switch_on(name, actor="test")


def test_the_list_says_what_is_on_what_is_there_and_what_cannot_be_used(site):
    """What is on comes first, in its order; what was built and failed counts as paused."""
    shelf.put(site.home, "wrong", "", "colour = 1")
    shelf.put(site.home, "broken", "1 / 0\n")
    on("broken", "notes")
    enabled.enable("gone", actor="test")
    site.again()
    enabled.pause("notes", "It hung in guard", "Traceback")
    found = {one.name: one for one in switching.listed()}

    assert list(found)[:3] == ["broken", "notes", "gone"]
    assert [found[name].state for name in ("broken", "notes", "gone", "more", "wrong")] == [
        "paused", "paused", "paused", "found", "incompatible",
    ]  # fmt: skip
    assert found["broken"].reason == "ZeroDivisionError: division by zero"
    assert (found["notes"].reason, found["notes"].detail) == ("It hung in guard", "Traceback")
    assert "colour" in found["wrong"].reason
    assert found["more"].hooks == {"describe"}
    with pytest.raises(NotFound):
        switching.plugin("nobody")


def test_what_does_not_pass_its_trial_stays_as_it_is(site):
    """So does what cannot be tried at all; both say why."""
    site.report.problem = "it fails in guard"
    with pytest.raises(NotReady, match="notes stays as it is: it fails in guard"):
        on("notes")
    shelf.put(site.home, "wrong", "", "colour = 1")
    with pytest.raises(NotReady, match="colour"):
        on("wrong")

    assert enabled.entries() == []


def test_what_another_one_needs_is_not_switched_off(site):
    """The other one goes first; what is off cannot go off."""
    on("notes", "more")
    with pytest.raises(Conflict, match="more needs notes"):
        switching.switch_off("notes", actor="test")
    switching.switch_off("more", actor="test")
    switching.switch_off("notes", actor="test")
    with pytest.raises(Conflict, match="off already"):
        switching.switch_off("notes", actor="test")

    assert enabled.names("enabled") == ()


def test_what_is_uninstalled_leaves_its_data_or_nothing(site):
    """While it is on it stays. Its folder, files, tables and settings go together, if at all."""
    on("notes")
    site.again()
    execute("INSERT INTO notes_note VALUES ('1')")
    settings.save("notes.size", 7, actor="test")
    (site.home / "data" / "notes").mkdir(parents=True)
    with pytest.raises(Conflict, match="Switch it off first"):
        switching.uninstall("notes", delete=True, actor="test")
    switching.switch_off("notes", actor="test")
    site.again()
    assert switching.tables_of("notes") == {"notes_note": 1}
    assert switching.uninstall("notes", delete=False, actor="test") == ["notes_note"]
    assert execute("SELECT COUNT(*) FROM notes_note").fetchone()[0] == 1
    assert switching.uninstall("notes", delete=True, actor="test") == []

    assert not {"notes_note", "notes_migrations"} & set(storage.database.get_tables())
    assert execute("SELECT COUNT(*) FROM settings_value").fetchone()[0] == 0
    assert not (site.home / "data" / "notes").exists()
    assert not (site.home / "plugins" / "notes").exists()


def test_what_comes_back_gets_its_tables_again(site):
    """In the same process, which had found them up to date before they were deleted."""
    on("notes")
    site.again()
    switching.switch_off("notes", actor="test")
    site.again()
    kept = site.home / "kept"
    (site.home / "plugins" / "notes").rename(kept)
    switching.uninstall("notes", delete=True, actor="test")
    kept.rename(site.home / "plugins" / "notes")
    on("notes")
    site.again()

    assert execute("SELECT COUNT(*) FROM notes_note").fetchone()[0] == 0
