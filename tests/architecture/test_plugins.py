"""Every folder in plugins/ keeps the same few rules."""

from __future__ import annotations

import ast
import re

import pytest
from babel.messages.pofile import read_po

from core.people import roles
from core.plugins import read_manifest
from tests.architecture.tree import PLUGINS, ROOT, parsed

WORDS = re.compile(r"\b(?:gettext|_)\(\s*\"((?:[^\"\\]|\\.)*)\"")
MAKES = re.compile(r"CREATE (?:UNIQUE )?(?:VIRTUAL )?(?:TABLE|INDEX) (?:IF NOT EXISTS )?\"?(\w+)")


@pytest.fixture(params=PLUGINS, ids=lambda path: path.name)
def plugin(request):
    return request.param


def test_a_folder_is_a_plugin():
    """Nothing else lies in plugins/."""
    folders = {
        path for path in (ROOT / "plugins").iterdir() if path.is_dir() and path.name[0] not in "_."
    }

    assert folders == set(PLUGINS)


def test_the_manifest_says_what_the_plugin_is(plugin):
    """It is named as its folder and speaks both languages; `read_manifest` checks the rest."""
    about = read_manifest(plugin).plugin

    assert about.name == plugin.name
    assert {"en", "it"} <= set(about.title) & set(about.description)
    assert about.licence


def test_every_setting_speaks_both_languages(plugin):
    """An owner reads labels, help and choices in their language."""
    for name, setting in read_manifest(plugin).settings.items():
        assert {"en", "it"} <= set(setting.label), name
        assert not setting.help or {"en", "it"} <= set(setting.help), name


def test_every_page_for_the_administration_speaks_both_languages(plugin):
    """And asks for a permission that there is."""
    manifest = read_manifest(plugin)
    known = {*roles.PERMISSIONS, *manifest.declared_permissions}
    for page in manifest.admin:
        assert {"en", "it"} <= set(page.label), page.path
        assert page.permission in known, page.path


def test_a_plugin_has_a_readme_and_tests(plugin):
    """Whoever opens the folder reads what it does; tests lie as the tree lies."""
    assert (plugin / "README.md").read_text().startswith("# ")
    assert list((ROOT / "tests" / "plugins" / plugin.name).glob("test_*.py"))


def test_open_it_and_see_all_that_it_does(plugin):
    """Hooks are implemented in `__init__.py` and nowhere else."""
    for path in plugin.rglob("*.py"):
        uses = "hookimpl" in {
            node.id for node in ast.walk(parsed(path)) if isinstance(node, ast.Name)
        }
        assert uses == (path == plugin / "__init__.py"), path


def test_migrations_are_numbered_without_gaps(plugin):
    """0001, 0002 and so on."""
    steps = sorted(path.name for path in plugin.glob("migrations/*.py"))

    assert [name[:5] for name in steps] == [f"{n:04}_" for n in range(1, len(steps) + 1)]


def test_templates_stand_under_the_plugins_name(plugin):
    """So a theme can replace one, and two plugins cannot take each other's."""
    assert {path.name for path in plugin.glob("templates/*")} <= {plugin.name}


def test_tables_start_with_the_plugins_name(plugin):
    """So whoever looks into the database sees whose a table is."""
    for path in plugin.glob("migrations/*.py"):
        texts = [
            node.value
            for node in ast.walk(parsed(path))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        for name in MAKES.findall("\n".join(texts)):
            assert name.startswith(f"{plugin.name}_"), name


def test_italian_is_complete(plugin):
    """Each word for a reader, in code and templates, has its translation."""
    places = [*plugin.rglob("*.html"), *plugin.rglob("*.py")]
    words = {
        ast.literal_eval(f'"{found}"')
        for path in places
        for found in WORDS.findall(path.read_text())
    }
    catalogue = plugin / "translations" / "it" / "LC_MESSAGES" / "messages.po"
    known = set()
    if catalogue.exists():
        with catalogue.open("rb") as file:
            messages = [one for one in read_po(file, locale="it") if one.id]
        assert not [one.id for one in messages if one.fuzzy or not one.string]
        known = {one.id if isinstance(one.id, str) else one.id[0] for one in messages}
    of_core = core_words()

    assert words <= known | of_core


def core_words() -> set[str]:
    """Return what core's own catalogue translates already."""
    path = ROOT / "core" / "translations" / "it" / "LC_MESSAGES" / "messages.po"
    if not path.exists():
        return set()
    with path.open("rb") as file:
        return {
            one.id if isinstance(one.id, str) else one.id[0]
            for one in read_po(file, locale="it")
            if one.id and one.string
        }
