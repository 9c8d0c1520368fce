"""docs/plugins.md is followed as it stands: the walk, and the plugin that it writes by hand."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import time
from importlib.util import module_from_spec, spec_from_file_location
from types import SimpleNamespace

import pytest

from core import API_VERSION, Gate
from core import config as configuration
from core.plugins import catalogue
from core.storage.classes import faults
from tests.docs.pages import ROOT, blocks
from tests.stand_in import plugged

PAGE = ROOT / "docs" / "plugins.md"
FILES = {block.file: block.text for block in blocks(PAGE, "toml", "python", "html") if block.file}
WALK = [
    line.removeprefix("$ ") for block in blocks(PAGE, "console") for line in block.text.splitlines()
]
NEWCOMER_SECONDS = 240
"""From `new` to a green test and a visible page, by the document alone."""


@pytest.fixture
def folder(tmp_path):
    """Return the folder of plugins into which the page's blocks were put."""
    for name, text in FILES.items():
        path = tmp_path / "plugins" / "cookiejar" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    yield tmp_path / "plugins"
    for name in ("plugins.cookiejar", "plugins.cookiejar.models"):
        sys.modules.pop(name, None)


@pytest.fixture
def obolo(tmp_path):
    """Return what runs a command as a newcomer does, each in a process of its own."""
    home = tmp_path / "instance"
    configuration.initialise(home)
    environment = {**os.environ, "OBOLO_HOME": str(home), "PYTHONPATH": str(ROOT)}

    def run(*words):
        done = subprocess.run(
            [sys.executable, "-m", "core.cli", *words], cwd=tmp_path, env=environment,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return SimpleNamespace(code=done.returncode, text=done.stdout + done.stderr)

    run.home = home
    return run


def test_the_walk_of_the_page_works(obolo):
    """Each command after the server's own, in order, with the change that the page asks for."""
    began = time.monotonic()
    assert WALK[0] == "obolo run --demo --reload"
    for line in WALK[1:]:
        done = obolo(*shlex.split(line)[1:])
        assert done.code == 0, f"{line}\n{done.text}"
        if line.startswith("obolo plugins test"):
            assert re.search(r"\d+ passed", done.text)
            assert time.monotonic() - began < NEWCOMER_SECONDS
            note = obolo.home / "plugins" / "hello" / "templates" / "hello" / "note.html"
            note.write_text(note.read_text().replace("{{ text", "{{ text or setting('site.name')"))

    assert obolo("plugins", "check", "hello").code == 0
    assert [line.split()[2] for line in WALK[1:]] == [
        "new", "test", "set", "trace", "list", "check", "pack", "make",
    ]  # fmt: skip


def test_the_page_writes_every_file_that_it_draws():
    """The tree on the page and the blocks under it are the same files."""
    tree = next(block.text for block in blocks(PAGE, "text"))

    assert set(FILES) == {line.strip() for line in tree.splitlines()[1:]}


def test_the_pages_own_tests_pass(folder, obolo):
    """As its author runs them."""
    folder.rename(obolo.home / "plugins")
    done = obolo("plugins", "test", "cookiejar")

    assert done.code == 0, done.text
    assert not re.search("skipped|failed|error", done.text)


def test_every_column_of_the_jar_has_a_class(make_site, folder):
    """The doctor finds nothing."""
    make_site("cookiejar", plugin_folders=(str(folder),))

    columns = catalogue.manifests["cookiejar"].columns
    assert list(faults(columns, ("cookiejar_",))) == []


def test_the_jar_shows_its_coins_and_its_link(make_site, folder):
    """The navigation leads to the jar; its buttons say that they cost money."""
    client = make_site("cookiejar", plugin_folders=(str(folder),)).test_client()
    page = client.get("/x/cookiejar/", headers={"Accept-Language": "it"}).text

    assert '<a href="/x/cookiejar/">Jar</a>' in page
    assert page.count('name="coin"') == 2


def test_the_recipe_is_kept_and_sent_to_who_may_open_it(make_site, folder):
    """A range of it too; to others not a byte."""
    spec = spec_from_file_location("recipe", folder / "cookiejar" / "recipe.py")
    recipe = module_from_spec(spec)
    spec.loader.exec_module(recipe)
    app = make_site()
    app.register_blueprint(recipe.pages)
    id = recipe.keep_recipe(b"flour, butter, sugar")
    client = app.test_client()
    part = client.get(f"/x/cookiejar/recipe/{id}", headers={"Range": "bytes=7-12"})
    with plugged(guard=lambda resource: Gate(frozenset({resource}))):
        shut = client.get(f"/x/cookiejar/recipe/{id}")

    assert (part.status_code, part.data) == (206, b"butter")
    assert "Biscotti della nonna.pdf" in part.headers["Content-Disposition"]
    assert shut.status_code == 403
    assert b"butter" not in shut.data


def test_the_promise_names_the_present_version():
    """Scaffolds and page ask for what there is."""
    assert f"Nothing is deprecated in {API_VERSION[0]}.{API_VERSION[1]}." in PAGE.read_text()
