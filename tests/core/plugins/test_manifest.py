"""A manifest is read without running the plugin; what is wrong with it is said with its place."""

from __future__ import annotations

import pytest

from core.ledger import Bound
from core.plugins import manifest as module
from core.plugins.manifest import About, ManifestError, api_fits, read_manifest

SMALLEST = """
[plugin]
name = "tipjar"
title = { en = "Tips", it = "Mance" }
version = "1.2.0"
description = { en = "A jar" }
"""


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "tipjar"
    place.mkdir()
    return place


def read(folder, text):
    (folder / "plugin.toml").write_text(text)
    return read_manifest(folder)


def test_the_smallest_manifest_says_who_the_plugin_is(folder):
    """All else has a default."""
    manifest = read(folder, SMALLEST)

    assert manifest.name == "tipjar"
    assert manifest.plugin == About(
        name="tipjar", title={"en": "Tips", "it": "Mance"}, version="1.2.0",
        description={"en": "A jar"}, requires_api=">=1.0,<2", depends=(),
    )  # fmt: skip
    assert manifest.declared_settings == []
    assert manifest.declared_bounds == {}
    assert (manifest.touches.hosts, manifest.touches.redirects) == ((), ())


def test_a_whole_manifest_is_read(folder):
    """Settings get the plugin's name before theirs, bounds are in minor units."""
    manifest = read(folder, SMALLEST + """
depends = ["wallet"]
requires_api = ">=1"
[touches]
hosts = ["api.example.com"]
scripts = ["https://js.example.com"]
redirects = ["https://pay.example.com"]
[settings.least]
type = "int"
min = 1
default = 5
label.en = "Least"
[bounds."liabilities:tips:"]
least = 0
[bounds."assets:tips:"]
most = 500
""")  # fmt: skip

    assert manifest.plugin.depends == ("wallet",)
    assert manifest.touches.scripts == ("https://js.example.com",)
    (setting,) = manifest.declared_settings
    assert (setting.name, setting.kind, setting.least, setting.initial) == (
        "tipjar.least", "int", 1, 5,
    )  # fmt: skip
    assert manifest.declared_bounds == {
        "liabilities:tips:": Bound(least=0), "assets:tips:": Bound(most=500),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (SMALLEST.replace('"1.2.0"', "1.2"), r"\$\.plugin\.version"),
        (SMALLEST.replace('version = "1.2.0"', ""), "version"),
        (SMALLEST + "colour = 'red'", "colour"),
        (SMALLEST + "[settings.x]\ntype = 'number'", r"\$\.settings"),
        (SMALLEST + "[bounds.'assets:x:']\nleast = 0.5", r"\$\.bounds"),
        (SMALLEST + "[bound.'assets:x:']\nleast = 0", "bound"),
        (SMALLEST + "[touches]\nhosts = 'x'", r"\$\.touches\.hosts"),
        (SMALLEST.replace('"1.2.0"', '""'), r"\$\.plugin\.version"),
        (SMALLEST + "depends = [1 2]", "line 7"),
        ("", "plugin"),
    ],
)
def test_an_error_names_file_and_place(folder, text, place):
    """Whoever wrote the manifest finds the line without running anything."""
    with pytest.raises(ManifestError, match=place) as caught:
        read(folder, text)

    assert str(folder / "plugin.toml") in str(caught.value)


def test_a_manifest_that_is_no_text_names_its_file(folder):
    """Broken bytes, a missing file and a folder in its place are said, not raised as they come."""
    (folder / "plugin.toml").write_bytes(b"[plugin]\nname = '\xff\xfe'")
    with pytest.raises(ManifestError, match=r"plugin\.toml is wrong"):
        read_manifest(folder)
    (folder / "plugin.toml").unlink()
    with pytest.raises(ManifestError, match=r"plugin\.toml cannot be read: No such file"):
        read_manifest(folder)
    (folder / "plugin.toml").mkdir()
    with pytest.raises(ManifestError, match=r"plugin\.toml cannot be read"):
        read_manifest(folder)


@pytest.mark.parametrize(
    "name", ["wallet", "Tipjar", "tip_jar", "tip-jar", "1tip", "t", "t" * 32, ""]
)
def test_a_plugin_is_named_as_its_folder_in_small_letters(tmp_path, name):
    """The name is a module, a prefix of tables and settings, and a word in a URL."""
    folder = tmp_path / (name if name not in ("wallet", "") else "tipjar")
    folder.mkdir()
    with pytest.raises(ManifestError, match="must be named as its folder"):
        read(folder, SMALLEST.replace('name = "tipjar"', f'name = "{name}"'))


def test_a_message_with_braces_in_it_is_shown_as_it_is(tmp_path):
    """A strange folder does not break the sentence that tells of it."""
    folder = tmp_path / "{0}"
    folder.mkdir()
    with pytest.raises(ManifestError, match=r"\{0\}"):
        read(folder, SMALLEST)


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        (">=1.0,<2", True), (">=1", True), (">= 1.0 , < 2.0", True), ("==1.0", True),
        ("==1", True), ("<=1.0", True), ("<=1", True), (">0.9", True), ("<1.1", True),
        (">=1.1", False), (">=2", False), ("<1", False), ("<1.0", False), (">1.0", False),
        ("==1.1", False), ("<=0.9", False), (">=0.5,<1", False), (">=1.0,<2,==1.1", False),
        ("", False), ("1.0", False), ("~=1.0", False), ("!=1.0", False), (">=1.0,", False),
        (">=1.0.0", True), (">=1.0.1", False), (">=one", False), (">=-1", False),
        (">=1.0 <2", False),
    ],
)  # fmt: skip
def test_a_range_holds_this_version_of_the_interface_or_not(wanted, fits):
    """All parts must hold; what cannot be understood does not."""
    assert module.API_VERSION == (1, 0)
    assert api_fits(wanted) is fits


@pytest.mark.parametrize(
    ("version", "wanted", "fits"),
    [((1, 10), ">=1.9", True), ((1, 9), ">=1.10", False), ((2, 0), ">=1.0,<2", False),
     ((1, 7), ">=1.0,<2", True)],
)  # fmt: skip
def test_versions_are_numbers_not_texts(monkeypatch, version, wanted, fits):
    """Ten is more than nine."""
    monkeypatch.setattr(module, "API_VERSION", version)

    assert api_fits(wanted) is fits


def test_a_plugin_for_another_interface_says_which(folder):
    """The message names what it needs and what the site has."""
    with pytest.raises(ManifestError, match=r"tipjar needs version >=2 .* this site has 1\.0"):
        read(folder, SMALLEST + 'requires_api = ">=2"')


ADMIN = """
[[admin]]
path = "{path}"
section = "{section}"
label = {{ en = "Jars", it = "Barattoli" }}
permission = "orders.view"
"""


def test_pages_for_the_administration_are_declared(folder):
    """Where it leads, in which section, for whom."""
    (page,) = read(folder, SMALLEST + ADMIN.format(path="/admin/jars/", section="sell")).admin

    assert (page.path, page.section, page.permission) == ("/admin/jars/", "sell", "orders.view")


@pytest.mark.parametrize(("path", "section"), [("/jars/", "sell"), ("/admin/jars/", "jars")])
def test_a_page_outside_of_the_administration_is_refused(folder, path, section):
    """So is one in a section that there is not."""
    with pytest.raises(ManifestError, match="admin"):
        read(folder, SMALLEST + ADMIN.format(path=path, section=section))


@pytest.mark.parametrize("name", ["core", "ledger", "people", "site", "theme"])
def test_a_name_of_cores_own_is_refused(tmp_path, name):
    """Its tables, settings and files would be taken for core's."""
    folder = tmp_path / name
    folder.mkdir()
    (folder / "plugin.toml").write_text(SMALLEST.replace('"tipjar"', f'"{name}"'))

    with pytest.raises(ManifestError):
        read_manifest(folder)
