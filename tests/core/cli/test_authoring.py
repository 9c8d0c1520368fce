"""obolo plugins new, test, check, pack and db make: from nothing to a plugin that is installed."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from core import config as configuration
from core.cli import authoring, commands
from core.cli.scaffolding import KINDS
from core.plugins import caller, catalogue, enabled

ROOT = Path(__file__).parents[3]
FIND = """
from core.plugins import find_plugins, hooks_of
import obolo_mypage
one = find_plugins([])[0]["mypage"]
print(one.package, len(hooks_of(one.folder)), obolo_mypage.pages.name)
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A site with one new plugin of each kind, left off, and what runs a command on it."""
    home = tmp_path_factory.mktemp("shop") / "instance"
    configuration.initialise(home)

    def run(*words):
        before = os.environ.get("OBOLO_HOME")
        os.environ["OBOLO_HOME"] = str(home)
        try:
            done = CliRunner().invoke(commands, [str(word) for word in words])
        finally:
            os.environ.pop("OBOLO_HOME")
            if before:
                os.environ["OBOLO_HOME"] = before
        return SimpleNamespace(code=done.exit_code, text=done.output, error=done.exception)

    for kind in KINDS:
        made = run("plugins", "new", f"my{kind}", "--kind", kind, "--no-enable")
        assert made.code == 0, made.text
    yield SimpleNamespace(home=home, plugins=home / "plugins", run=run)
    caller.load([])
    catalogue.clear()


def test_a_scaffold_of_each_kind_keeps_its_contract(shop):
    """Its own tests pass, all of them at once, as pytest runs them outside of this tree."""
    tests = [shop.plugins / f"my{kind}" / "tests" for kind in KINDS]
    ended = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-q", "--disable-plugin-autoload", "-p",
            "core.testing", "-p", "no:cacheprovider", "-c", os.devnull, "-W", "error",
            "--rootdir", shop.plugins, "--confcutdir", tests[0], "--import-mode", "importlib",
            "-o", "tmp_path_retention_policy=failed", *tests,
        ],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert ended.returncode == 0, ended.stdout[-3000:]


@pytest.mark.parametrize("kind", KINDS)
def test_a_scaffold_is_in_order(shop, kind):
    """`check` has nothing to say of it, and no mark was left in any file."""
    done = shop.run("plugins", "check", f"my{kind}")
    texts = [path.read_text() for path in (shop.plugins / f"my{kind}").rglob("*.*[!o]")
             if path.is_file() and path.suffix != ".pyc"]  # fmt: skip

    assert (done.code, done.text) == (0, f"my{kind} is in order.\n")
    assert not [text for text in texts if "<<" in text]


def test_new_switches_it_on_and_test_runs_its_tests(shop, capfd):
    """What a newcomer types first; what follows the name goes to pytest."""
    made = shop.run("plugins", "new", "hello", "--kind", "check")
    shop.run("plugins", "test", "hello", "-k", "refuses")
    said = capfd.readouterr().out

    assert made.code == 0, made.text
    assert "hello is on. Next: obolo plugins test hello" in made.text
    assert enabled.entry("hello").state == "enabled"
    assert "1 passed" in said


def test_kind_is_asked_for_and_a_name_is_used_once(shop):
    """And a name that no plugin can have is refused before anything is written."""
    again = shop.run("plugins", "new", "mypage", "--kind", "page")
    bundled = shop.run("plugins", "new", "tipjar", "--kind", "page")
    wrong = shop.run("plugins", "new", "Hello-World", "--kind", "page")
    asked = shop.run("plugins", "new", "another")

    assert "There is a plugin mypage already" in again.text
    assert "There is a plugin tipjar already" in bundled.text
    assert "small letters and digits" in wrong.text
    assert "What is it:" in asked.text
    assert not (shop.plugins / "Hello-World").exists()


def test_without_pytest_it_says_what_to_install(shop, monkeypatch):
    """A site for readers has no pytest."""
    monkeypatch.setattr(authoring.importlib.util, "find_spec", lambda name: None)
    done = shop.run("plugins", "test", "mygate")

    assert done.code == 1
    assert "pytest is not installed here. Run: " in done.text


def test_a_packed_plugin_is_installed_and_found(shop, tmp_path):
    """By pip without an index and without its requirements; the same files, the same wheel."""
    first = shop.run("plugins", "pack", "mypage", "--into", tmp_path / "one")
    shop.run("plugins", "pack", "mypage", "--into", tmp_path / "two")
    one, two = (next((tmp_path / name).glob("*.whl")) for name in ("one", "two"))
    place = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--target", place, one], check=True, capture_output=True)
    found = subprocess.run(
        [sys.executable, "-c", FIND],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(place)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    names = zipfile.ZipFile(one).namelist()

    assert first.code == 0
    assert one.read_bytes() == two.read_bytes()
    assert found.stdout == "obolo_mypage 4 mypage\n", found.stderr
    assert "obolo_mypage/translations/it/LC_MESSAGES/messages.mo" in names
    assert not [name for name in names if "/tests/" in name]


def test_the_next_migration_gets_the_next_number(shop):
    """And fails until somebody has written it."""
    done = shop.run("db", "make", "mypage", 'Add a "mood"')
    (path,) = (shop.plugins / "mypage" / "migrations").glob("0002_*")
    text = path.read_text()
    path.unlink()

    assert done.code == 0, done.text
    assert path.name == "0002_add_a_mood.py"
    assert text.startswith('"""Add a \'mood\'."""\n')
    assert "ALTER TABLE mypage_..." in text


def test_a_plugin_that_is_not_there_is_said(shop):
    """By each command that takes a name."""
    for command in ("test", "check", "pack"):
        assert "There is no plugin nobody" in shop.run("plugins", command, "nobody").text
