"""Every script has an owner and a reason, and one that was changed is noticed."""

from __future__ import annotations

from pathlib import Path

import pytest

from core import audit, scripts
from core.doctor import findings
from core.plugins import read_manifest
from core.scripts import REASONS, Difference
from core.storage import execute
from tests.architecture.tree import PLUGINS
from tests.conftest import ROOT
from tests.core.plugins.shelf import forgotten, hook, put

MORE = """
[touches]
scripts = ["https://js.example.com"]

[[scripts]]
src = "till.js"
reason.en = "Shows a button."

[[scripts]]
src = "https://js.example.com/v1/"
reason.en = "Takes the card."
"""


@pytest.fixture
def folder(make_site, tmp_path):
    """The folder `static` of a plugin that is on."""
    with forgotten():
        code = hook("list_resources", "return []", "")
        code = code.replace("def list_resources():", "def list_resources(query):")
        place = put(tmp_path / "home", "tilling", code, MORE) / "static"
        place.mkdir()
        (place / "till.js").write_text("one")
        make_site(
            "tilling", plugin_folders=(str(tmp_path / "home" / "plugins"),),
            settings={"site.owner_email": "owner@example.org"},
        )  # fmt: skip
        yield place


def events(action):
    return [event.subject for event in audit.events(action=action)]


def test_the_list_holds_all_that_pages_can_load(folder):
    """Core's, the plugins' with their reasons, and those elsewhere without a digest."""
    found = {(one.owner, one.src): one for one in scripts.inventory()}

    assert found["core", "admin.js"].reason == REASONS["admin.js"]
    assert len(found["tilling", "till.js"].digest) == 64
    assert found["tilling", "till.js"].reason == "Shows a button."
    assert found["tilling", "https://js.example.com/v1/"].digest == ""


def test_a_changed_script_is_an_alarm_once_and_stays_wrong_until_it_is_accepted(folder, outbox):
    """In the audit log, in a message to the owner, and among what needs attention."""
    assert scripts.check() == []
    (folder / "till.js").write_text("two")
    (found,) = scripts.check()
    scripts.check()

    assert (found.owner, found.src) == ("tilling", "till.js")
    assert events("scripts.changed") == ["tilling/till.js"]
    assert len(outbox.letters) == 1
    assert "tilling: till.js" in outbox.last("owner@example.org").body
    assert "script" in {one.kind for one in findings(Path(folder)) if one.level == "wrong"}
    assert scripts.accept((), actor="cli") == [found]
    assert scripts.check() == []
    assert events("scripts.accept") == ["tilling/till.js"]


def test_only_what_was_seen_is_accepted(folder, outbox):
    """A script that changed again since somebody looked is another difference."""
    scripts.check()
    (folder / "till.js").write_text("two")
    (seen,) = scripts.check()
    (folder / "till.js").write_text("three")
    late = scripts.accept((), actor="me", only=seen.name)
    (now,) = scripts.differences()

    assert late == []
    assert scripts.accept((), actor="me", only=now.name) == [now]
    assert scripts.differences() == []


def test_one_that_comes_or_goes_is_a_difference_too(folder, outbox):
    """A file more on the page that pays is what thieves add."""
    scripts.check()
    (folder / "till.js").unlink()
    (folder / "skimmer.js").write_text("send()")
    gone, came = sorted(scripts.check(), key=lambda one: one.found)

    assert (gone.src, gone.found) == ("till.js", "")
    assert (came.src, came.accepted) == ("skimmer.js", "")
    scripts.accept((), actor="cli")
    assert scripts.check() == []
    assert {one.src for one in scripts.inventory() if one.owner == "tilling"} >= {"skimmer.js"}


def test_a_new_version_is_the_owners_own_doing(folder, outbox):
    """It is recorded as it is, and no alarm."""
    scripts.check()
    (folder / "till.js").write_text("two")
    execute("UPDATE scripts_script SET version = '0' WHERE owner = 'tilling'")

    assert scripts.check() == []
    assert outbox.letters == []
    assert events("scripts.record").count("tilling") == 2


def test_a_plugin_that_was_off_begins_anew(folder, monkeypatch):
    """What it loads is seen again when it is switched on."""
    scripts.check()
    monkeypatch.setattr(scripts, "catalogue", type("None_", (), {"manifests": {}}))
    scripts.check()

    owners = {row[0] for row in execute("SELECT owner FROM scripts_script").fetchall()}
    assert owners == {"core"}
    assert scripts.differences() == [] != [Difference]


def test_every_bundled_script_says_what_it_is_for():
    """In the manifest for plugins, in the list for core and the themes; and no reason is left."""
    for place in PLUGINS:
        declared = {one.src: one.reason for one in read_manifest(place).scripts}
        there = {path.relative_to(place / "static").as_posix() for path in place.rglob("*.js")}
        assert there == {src for src in declared if "://" not in src}, place.name
        assert all({"en", "it"} <= set(reason) for reason in declared.values())
    own = [*(ROOT / "core" / "static").rglob("*.js"), *(ROOT / "themes").rglob("*.js")]

    assert {path.name for path in own} == set(REASONS)
