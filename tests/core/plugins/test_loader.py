"""Plugins are found by their folders; one that cannot be loaded stays off, and the others load."""

from __future__ import annotations

import gc
import os
import shutil
import sys
import time
from types import SimpleNamespace

import pytest

from core import ledger, plugins, settings, storage
from core.errors import Unavailable
from core.ledger import Bound
from core.plugins import assemble, caller, catalogue, find_plugins, implementations, load, serving
from core.plugins import loader as module
from core.storage import execute
from core.testing import sqlite_url

sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
HEAD = "from __future__ import annotations\nfrom core import hookimpl\n"
DESCRIBE = HEAD + "\n@hookimpl\ndef describe(resource):\n    return f'{__name__} {resource}'\n"


@pytest.fixture
def shelf(tmp_path, db, monkeypatch):
    """A folder for plugins, and what puts one there."""
    names = []

    def put(name, code=DESCRIBE, manifest="", place="shelf", **files):
        folder = tmp_path / place / name
        folder.mkdir(parents=True)
        if code is not None:
            (folder / "__init__.py").write_text(code)
        for file, text in files.items():
            path = folder / file.replace("__", "/")
            path.parent.mkdir(exist_ok=True)
            path.with_suffix(".py").write_text(text)
        (folder / "plugin.toml").write_text(
            f'[plugin]\nname = "{name}"\ntitle = {{ en = "{name}" }}\nversion = "1"\n'
            f'description = {{ en = "{name}" }}\n{manifest}'
        )
        names.append(name)
        return folder

    monkeypatch.setattr(settings, "_declared", dict(settings._declared))
    monkeypatch.setattr(caller, "answers", {})
    ledger._bounds.clear()
    yield SimpleNamespace(put=put, folder=tmp_path / "shelf", path=tmp_path)
    load([])
    ledger._bounds.clear()
    for name in [name for name in sys.modules if name.split(".")[:1] == ["plugins"]]:
        if name.split(".")[1:2] and name.split(".")[1] in names:
            del sys.modules[name]


def started(shelf, *names):
    """Load these plugins; return the names of those that answer, in order."""
    load(names, [shelf.folder])
    return [implementation.plugin for implementation in implementations("describe")]


def test_plugins_answer_in_the_order_of_the_enabled_list(shelf):
    """The folder's order does not matter, and what is not enabled is not imported."""
    for name in ("alpha", "beta", "gamma"):
        shelf.put(name)

    assert started(shelf, "gamma", "alpha") == ["gamma", "alpha"]
    assert started(shelf, "alpha", "gamma") == ["alpha", "gamma"]
    assert list(plugins.each("describe", resource="x")) == [
        ("alpha", "plugins.alpha x"), ("gamma", "plugins.gamma x"),
    ]  # fmt: skip
    assert "plugins.beta" not in sys.modules
    assert list(catalogue.manifests) == ["alpha", "gamma"]
    assert catalogue.failed == {}


@sqlite_only
@pytest.mark.parametrize(
    ("code", "manifest", "why"),
    [
        (HEAD + "raise LookupError('no such thing')", "", "LookupError: no such thing"),
        (HEAD + "import nothing_of_this_name", "", "ModuleNotFoundError"),
        ("def broken(:", "", "SyntaxError"),
        (None, "", "__init__.py"),
        (HEAD + "@hookimpl\ndef descibe(resource): ...", "", "descibe"),
        (HEAD + "@hookimpl\ndef describe(resource, reader): ...", "", "reader"),
        (DESCRIBE, "colour = 1", "colour"),
        (DESCRIBE, 'requires_api = ">=2"', "needs version >=2"),
        (DESCRIBE, 'depends = ["wallet"]', "it needs wallet, which must stand before it"),
        (DESCRIBE, 'depends = ["good"]', "it needs good, which must stand before it"),
        (DESCRIBE, "[settings.x]\ntype = 'int'\ndefault = 'five'", "default of bad.x"),
    ],
)
def test_a_plugin_that_cannot_be_loaded_stays_off_and_the_others_load(
    shelf, caplog, code, manifest, why
):
    """The owner is told why; the site starts."""
    shelf.put("first")
    shelf.put("bad", code, manifest)
    shelf.put("good")

    assert started(shelf, "first", "bad", "good") == ["first", "good"]
    assert list(catalogue.failed) == ["bad"]
    assert why in catalogue.failed["bad"]
    assert list(catalogue.manifests) == ["first", "good"]


@sqlite_only
def test_a_plugin_that_is_not_there_stays_off(shelf, caplog):
    """It may have been deleted while it was enabled."""
    shelf.put("good")

    assert started(shelf, "gone", "good") == ["good"]
    assert "no folder of this name" in catalogue.failed["gone"]


@sqlite_only
def test_what_a_plugin_needs_must_stand_before_it(shelf):
    """Then both load."""
    shelf.put("purse")
    shelf.put("pledge", manifest='depends = ["purse"]')

    assert started(shelf, "purse", "pledge") == ["purse", "pledge"]
    assert catalogue.failed == {}


@sqlite_only
@pytest.mark.parametrize(
    "code",
    [
        pytest.param(HEAD + "1 / 0", id="import"),
        pytest.param(HEAD + "@hookimpl\ndef descibe(resource): ...", id="hook"),
        pytest.param(HEAD + "@hookimpl\ndef describe(reader): ...", id="argument"),
    ],
)
def test_what_needs_a_plugin_that_stays_off_stays_off_too(shelf, caplog, code):
    """Whatever the reason was, and through any number of plugins."""
    shelf.put("purse", code)
    shelf.put("pledge", manifest='depends = ["purse"]')
    shelf.put("campaign", manifest='depends = ["pledge"]')
    shelf.put("other")

    assert started(shelf, "purse", "pledge", "campaign", "other") == ["other"]
    assert set(catalogue.failed) == {"purse", "pledge", "campaign"}


@sqlite_only
def test_a_list_that_names_a_plugin_twice_loads_it_once(shelf):
    """An owner's slip does not stop the site; the first place counts."""
    shelf.put("alpha")
    shelf.put("beta")

    assert started(shelf, "alpha", "beta", "alpha") == ["alpha", "beta"]


@sqlite_only
def test_the_first_folder_keeps_a_name(shelf):
    """A later folder cannot take the place of a plugin, neither well-made nor broken."""
    shelf.put("alpha")
    shelf.put("alpha", HEAD + "raise LookupError", place="later")
    shelf.put("beta")
    shelf.put("beta", manifest="colour = 1", place="later")
    folders = [shelf.folder, shelf.path / "later"]
    found, _ = find_plugins(folders)
    load(["alpha", "beta"], folders)

    assert found["alpha"].folder == shelf.folder / "alpha"
    assert catalogue.failed == {}
    assert [one.plugin for one in implementations("describe")] == ["alpha", "beta"]


@sqlite_only
def test_bundled_plugins_come_before_all_others(shelf, monkeypatch):
    """A site's own folder cannot replace one that came with Obolo."""
    bundled = shelf.put("alpha", place="bundled")
    shelf.put("alpha")
    monkeypatch.setattr(module, "BUNDLED", bundled.parent)
    found, broken = find_plugins([shelf.folder])

    assert found["alpha"].folder == bundled
    assert broken == {}


@sqlite_only
def test_what_is_no_plugin_is_passed_over(shelf):
    """Files, folders without a manifest and folders that are not there."""
    shelf.put("alpha")
    (shelf.folder / "readme.txt").write_text("x")
    (shelf.folder / "empty").mkdir()
    found, broken = find_plugins([shelf.folder, shelf.path / "nowhere"])

    assert set(found) - {path.parent.name for path in module.BUNDLED.glob("*/plugin.toml")} == {
        "alpha"
    }
    assert broken == {}


@sqlite_only
def test_a_plugin_may_have_modules_of_its_own(shelf):
    """They are imported as `plugins.<name>.<module>`, absolutely and relatively."""
    code = HEAD + "from .words import WORD\nfrom plugins.alpha.words import WORD as SAME\n"
    code += "assert WORD is SAME\n@hookimpl\ndef describe(resource):\n    return WORD\n"
    shelf.put("alpha", code, words="WORD = object()")

    assert started(shelf, "alpha") == ["alpha"]
    assert catalogue.failed == {}


def test_a_plugin_brings_its_settings_bounds_and_tables(shelf):
    """They are declared and migrated when it is loaded, its tables once."""
    step = "def up(migrator, db):\n    db.execute_sql('CREATE TABLE alpha_note (id TEXT)')\n"
    shelf.put(
        "alpha",
        manifest="[settings.size]\ntype = 'int'\ndefault = 5\n[bounds.'assets:alpha:']\nmost = 9",
        migrations__0001_first=step,
    )
    execute("DROP TABLE IF EXISTS alpha_note")
    execute("DROP TABLE IF EXISTS alpha_migrations")
    try:
        load(["alpha"], [shelf.folder])
        load(["alpha"], [shelf.folder])

        assert catalogue.failed == {}
        assert settings.value("alpha.size") == 5
        assert ledger.bound_of("assets:alpha:x") == Bound(most=9)
        assert execute("SELECT COUNT(*) FROM alpha_note").fetchone()[0] == 0
    finally:
        execute("DROP TABLE IF EXISTS alpha_note")
        execute("DROP TABLE IF EXISTS alpha_migrations")


def test_a_family_stays_bounded_when_its_plugin_is_off(shelf):
    """What holders are owed does not lose its bound with the plugin."""
    shelf.put("alpha", manifest="[bounds.'liabilities:alpha:']\nleast = 0")
    load(["alpha"], [shelf.folder])
    ledger._bounds.clear()
    load([])

    assert ledger.bound_of("liabilities:alpha:x") == Bound(least=0)


def test_loading_again_starts_afresh(shelf, caplog):
    """What was loaded or failed before is forgotten; code that was mended is read anew."""
    folder = shelf.put("alpha", HEAD + "raise LookupError")
    assert started(shelf, "alpha") == []
    (folder / "__init__.py").write_text(DESCRIBE + "\n# mended, and longer than before\n")

    assert started(shelf, "alpha") == ["alpha"]
    assert catalogue.failed == {}
    assert started(shelf) == []
    assert catalogue.manifests == {}


@sqlite_only
def test_a_module_that_failed_is_not_left_behind(shelf, caplog):
    """Nobody can import half a plugin."""
    shelf.put("alpha", HEAD + "HALF = 1\nraise LookupError")
    load(["alpha"], [shelf.folder])

    assert "plugins.alpha" not in sys.modules


@sqlite_only
@pytest.mark.parametrize(
    ("code", "hooks"),
    [
        (HEAD + "@hookimpl\ndef guard(resource):\n    return None", {"guard"}),
        (HEAD + "from .gates import require", {"require"}),
        (HEAD + "globals()['reserve'] = hookimpl(len)", {"reserve"}),
        ("def broken(:", module.SHUT),
        (None, module.SHUT),
        (HEAD + "'It asks for no review.'", set()),
    ],
)
def test_what_a_plugin_stood_before_is_read_from_all_of_its_code(shelf, caplog, code, hooks):
    """It cannot be asked when it does not work; of code that cannot be read all is feared."""
    folder = shelf.put("alpha", code)

    assert module.stands_before(folder) == hooks


@sqlite_only
@pytest.mark.parametrize("how", ["syntax", "import", "manifest", "gone", "paused"])
def test_no_gate_opens_by_a_failure(shelf, caplog, how):
    """A paywall that does not work stays on, and shut, whatever was done to its folder."""
    code = HEAD + "@hookimpl\ndef guard(resource):\n    return None\n"
    if how != "gone":
        codes = {"syntax": code + "def (", "import": code + "1 / 0"}
        shelf.put("alpha", codes.get(how, code), "colour = 1" if how == "manifest" else "")
    broken = {"alpha": "It hung in guard"} if how == "paused" else {}
    loaded, found = assemble(["alpha"], [shelf.folder], broken=broken)

    assert found == {}
    with serving(loaded), pytest.raises(Unavailable):
        list(plugins.each("guard", resource="x", reader=None, gate=None))


@sqlite_only
def test_code_that_was_changed_is_imported_anew(shelf):
    """Its modules too; what was not changed stays the same module. The old one serves on."""
    code = HEAD + "from .words import WORD\n@hookimpl\ndef describe(resource):\n    return WORD\n"
    folder = shelf.put("alpha", code, words="WORD = 'old'")
    first, _ = assemble(["alpha"], [shelf.folder])
    same, _ = assemble(["alpha"], [shelf.folder])
    (folder / "words.py").write_text("WORD = 'newer'")
    second, _ = assemble(["alpha"], [shelf.folder])

    assert [said(one) for one in (first, same, second)] == ["old", "old", "newer"]
    assert first.hooks["describe"][0].function is same.hooks["describe"][0].function


@sqlite_only
def test_code_that_was_changed_within_a_second_is_imported_anew(shelf, monkeypatch):
    """Also where it is as long as before: Python itself takes the old bytecode for its own then."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    code = HEAD + "from .inner.words import WORD\n"
    code += "@hookimpl\ndef describe(resource):\n    return WORD + 'one'\n"
    folder = shelf.put("alpha", code, inner____init__="", inner__words="WORD = 'one '")
    paths = (folder / "__init__.py", folder / "inner" / "words.py")
    moment = paths[0].stat().st_mtime_ns // 10**9 * 10**9
    answers = []
    for number, word in enumerate(("one", "two")):
        for path in paths:
            path.write_text(path.read_text().replace("'one", f"'{word}"))
            os.utime(path, ns=(moment + number, moment + number))
        answers.append(said(assemble(["alpha"], [shelf.folder])[0]))

    assert answers == ["one one", "two two"]


def said(loaded):
    with serving(loaded):
        return plugins.first("describe", resource="x")


@sqlite_only
def test_a_plugin_that_wants_to_end_the_process_stays_off(shelf, caplog):
    """SystemExit while it is imported is a failure as any other."""
    shelf.put("alpha", HEAD + "raise SystemExit(3)")
    shelf.put("beta")

    assert started(shelf, "alpha", "beta") == ["beta"]
    assert catalogue.failed == {"alpha": "SystemExit: 3"}


def test_what_is_installed_or_removed_while_the_site_runs_is_noticed(shelf, monkeypatch):
    """What is installed is remembered until a folder of packages changes."""
    place = shelf.path / "packages"
    place.mkdir()
    monkeypatch.syspath_prepend(place)

    def is_found():
        time.sleep(0.02)  # a file system counts in ticks
        return "onshelf" in find_plugins([])[0]

    assert not is_found()
    about = place / "onshelf-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: onshelf\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[obolo.plugins]\nonshelf = onshelf\n")
    shelf.put("onshelf", place="packages")
    assert is_found()
    shutil.rmtree(about)
    assert not is_found()


@sqlite_only
def test_another_database_has_its_tables_made_as_well(shelf, template, tmp_path):
    """What is known of a database goes with it: another may lie at its place in memory."""
    folder = shelf.put("shelved")
    (folder / "migrations").mkdir()
    (folder / "migrations" / "0001_initial.py").write_text(
        "def up(migrator, db):\n    db.execute_sql('CREATE TABLE shelved_thing (id INTEGER)')\n"
    )
    for turn in range(20):
        place = tmp_path / str(turn)
        place.mkdir()
        storage.close()
        storage.connect(sqlite_url(template, place))
        gc.collect()
        load(["shelved"], [shelf.folder])

        assert execute("SELECT COUNT(*) FROM shelved_thing").fetchone() == (0,)
    assert len(module._migrated) < 10
