"""Themes are found by their folder; a child has its parent's files where it has none."""

from __future__ import annotations

import re

import pytest

from core.themes import find_themes
from core.themes.finding import BUNDLED
from tests.core.themes.places import write_theme

BUNDLED_THEMES, BROKEN = find_themes([])


def test_the_bundled_themes_can_be_used():
    """Three of them, on the same templates."""
    assert set(BUNDLED_THEMES) == {"quaderno", "edicola", "foglio"}
    assert BROKEN == {}


@pytest.mark.parametrize("name", sorted(BUNDLED_THEMES))
def test_a_palette_is_that_of_the_stylesheet(name):
    """What an accent is measured against is what the page shows."""
    theme = BUNDLED_THEMES[name]
    css = (theme.folder / "static" / "theme.css").read_text()
    for token, field in (("bg", "background"), ("surface", "surface"), ("ink", "ink")):
        both = re.search(rf"--{token}: light-dark\((#\w{{6}}), (#\w{{6}})\)", css)
        palette = theme.palette
        assert both.groups() == (getattr(palette.light, field), getattr(palette.dark, field))


@pytest.mark.parametrize("name", sorted(BUNDLED_THEMES))
def test_a_default_accent_is_that_of_the_stylesheet(name):
    """Nothing is computed for who chose nothing."""
    theme = BUNDLED_THEMES[name]
    css = (theme.folder / "static" / "theme.css").read_text()
    accent = re.search(r"--accent: light-dark\((#\w{6}),", css)[1]

    assert theme.settings["accent"].initial == accent.lower()


def test_foglio_downloads_no_font():
    """And says so; the others say how much."""
    assert BUNDLED_THEMES["foglio"].font_bytes == 0
    assert 100_000 < BUNDLED_THEMES["quaderno"].font_bytes < 200_000
    assert BUNDLED_THEMES["edicola"].fonts == BUNDLED_THEMES["quaderno"].fonts


def test_a_child_stands_before_its_parent(tmp_path):
    """Its own file first; its settings added; both stylesheets, the parent's first."""
    write_theme(
        tmp_path, "mine", 'parent = "foglio"\n[settings.extra]\ntype = "bool"',
        **{"static/thumbnail.svg": "<svg/>"},
    )  # fmt: skip
    theme = find_themes([tmp_path])[0]["mine"]

    assert [one.name for one in theme.chain] == ["mine", "foglio", "quaderno"]
    assert theme.file("thumbnail.svg") == tmp_path / "mine/static/thumbnail.svg"
    assert theme.file("theme.js") == BUNDLED / "quaderno/static/theme.js"
    assert [one.name for one in theme.stylesheets] == ["quaderno", "foglio", "mine"]
    assert theme.settings["extra"].name == "theme_mine.extra"
    assert theme.settings["accent"].initial == "#1d4ed0"
    assert theme.fonts == ()


@pytest.mark.parametrize("name", ["../theme.toml", "../../../pyproject.toml", "nothing.css", ""])
def test_a_file_outside_of_static_is_none(name):
    """Neither by dots nor by a link."""
    assert BUNDLED_THEMES["quaderno"].file(name) is None


def test_a_link_leads_nowhere(tmp_path):
    """A theme's folder shows no other file of this machine."""
    place = write_theme(tmp_path, "mine")
    (place / "static" / "passwords.css").symlink_to("/etc/passwd")

    assert find_themes([tmp_path])[0]["mine"].file("passwords.css") is None


def test_what_cannot_be_used_says_why(tmp_path):
    """A missing parent, a circle, no stylesheet, a font that is not there; the others are found."""
    write_theme(tmp_path, "orphan", 'parent = "nobody"')
    write_theme(tmp_path, "snake", 'parent = "eel"')
    write_theme(tmp_path, "eel", 'parent = "snake"')
    (write_theme(tmp_path, "naked") / "static/theme.css").unlink()
    write_theme(tmp_path, "mute", "[[fonts]]\nfamily='A'\nlicence='B'\nfiles=['a.woff2']")
    write_theme(tmp_path, "quaderno")
    found, broken = find_themes([tmp_path])

    assert set(found) == set(BUNDLED_THEMES), "a bundled name cannot be taken"
    assert found["quaderno"].folder == BUNDLED / "quaderno"
    assert "nobody" in broken["orphan"]
    assert "own parent" in broken["snake"]
    assert "theme.css" in broken["naked"]
    assert "a.woff2" in broken["mute"]
    assert set(broken) == {"orphan", "snake", "eel", "naked", "mute"}
