"""The pages of docs/: what they show runs, what they name exists."""

from __future__ import annotations

import re
import shlex
import tomllib

import click
import pytest
from click.testing import CliRunner

from core import config as configuration
from core import verify
from core.cli import commands
from core.plugins import caller, catalogue
from tests.docs.pages import PAGES, ROOT, blocks

RUNNING = ROOT / "docs" / "running.md"
LINK = re.compile(r"\]\(([^)#\s]+)\)")
SERVES = ("run", "worker")
"""Commands that do not end; their options are checked."""
CALLS = [
    (page, line.removeprefix("$ "))
    for page in PAGES
    if page.name != "plugins.md"  # its commands are one walk: test_plugins_page.py follows it
    for block in blocks(page, "console")
    for line in block.text.splitlines()
]
NOT_YET: set[str] = set()
"""Files that a page names and a later change brings."""


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Return the folder of a fresh site with the plugin of docs/plugins.md; commands find it."""
    folder = tmp_path / "instance"
    configuration.initialise(folder)
    for block in blocks(ROOT / "docs" / "plugins.md", "toml", "python", "html"):
        if block.file:
            path = folder / "plugins" / "cookiejar" / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text)
    monkeypatch.setenv("OBOLO_HOME", str(folder))
    monkeypatch.setenv("OBOLO_PLUGINS", "paywall,tipjar,playmoney")
    yield folder
    caller.load([])
    catalogue.clear()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_link_leads_to_a_file(page):
    """A page that moved takes its links along."""
    for target in LINK.findall(page.read_text()):
        if not target.startswith(("http:", "https:")):
            found = (page.parent / target).resolve()
            assert found.exists() or str(found.relative_to(ROOT)) in NOT_YET, target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_file_that_is_named_exists(page):
    """Paths of the code in a text are those of the tree."""
    for name in re.findall(r"`((?:core|plugins|tests|tools|docs)/[\w/.-]+)`", page.read_text()):
        assert (ROOT / name).exists() or (ROOT / f"{name}.py").exists() or _function(name), name


def _function(name):
    """Tell whether `web/checkout.take_offer` names a function."""
    module, _, function = name.rpartition(".")
    path = ROOT / f"{module}.py"
    return path.exists() and f"def {function}(" in path.read_text()


@pytest.mark.parametrize(("page", "line"), CALLS, ids=lambda value: getattr(value, "name", value))
def test_a_command_runs(page, line, home):
    """What a page tells to type is understood, and succeeds on a fresh site."""
    program, *words = shlex.split(line)
    if program == "make":
        assert re.search(rf"^{words[0]}:.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
        return
    assert program == "obolo"
    if words[0] in SERVES:
        command = commands.commands[words[0]]
        command.make_context(words[0], words[1:])
        return
    done = CliRunner().invoke(commands, words)

    assert done.exit_code == 0, done.output


def test_the_configuration_of_the_page_is_one(tmp_path):
    """Both examples load as `obolo.toml`, and every name is in the page."""
    for number, block in enumerate(blocks(RUNNING, "toml")):
        home = tmp_path / str(number)
        configuration.initialise(home)
        (home / "obolo.toml").write_text(block.text)
        config = configuration.load(home)
        for name, value in tomllib.loads(block.text).items():
            assert getattr(config, name) == (tuple(value) if isinstance(value, list) else value)
    for name in configuration._settable():
        assert re.search(rf"\b{name}\b", RUNNING.read_text()), name


def test_every_block_is_run_by_a_test():
    """Python stands where it is loaded; a block of TOML is a manifest or a configuration."""
    hooks, plugins = ROOT / "docs" / "hooks.md", ROOT / "docs" / "plugins.md"
    themes = ROOT / "docs" / "themes.md"
    for page in PAGES:
        for block in blocks(page, "python", "html"):
            assert page == hooks or (page in (plugins, themes) and block.file), block.text
        assert page in (RUNNING, plugins, themes) or not blocks(page, "toml")
        assert not blocks(page, ""), "a block names its language"


def every_command(group=commands, before=()):
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from every_command(command, (*before, name))
        else:
            yield " ".join((*before, name))


def test_the_page_lists_every_command():
    """And no other."""
    rows = re.findall(
        r"^\| `obolo ([a-z -]+?)(?: [A-Z-].*?)?` \|", RUNNING.read_text(), re.MULTILINE
    )

    assert sorted(rows) == sorted(every_command())


def test_the_page_names_every_invariant_as_it_is_printed():
    """An owner who reads a fault finds what it means."""
    source = (ROOT / "core" / "verify.py").read_text()
    printed = set(re.findall(r"Fault\(\s*\"(\w+)\"", source))
    page = RUNNING.read_text().partition("## Is everything right?")[2]
    named = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))

    assert named == printed
    assert verify.CHECKS


def test_decisions_are_numbered_and_have_their_parts():
    """Status, why, what, what was given up; each listed once."""
    folder = ROOT / "docs" / "decisions"
    pages = sorted(folder.glob("0*.md"))
    index = (folder / "README.md").read_text()

    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    for page in pages:
        text = page.read_text()
        assert text.startswith(f"# {int(page.name[:4])}. ")
        for part in ("Status: ", "## Why", "## What", "## What was given up"):
            assert part in text, page.name
        assert index.count(page.name) == 1


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_is_short_in_line_and_plain(page):
    """No line of prose is longer than 120 characters."""
    prose = [line for line in page.read_text().splitlines() if not line.startswith(("|", "!"))]

    assert max(map(len, prose)) <= 120
