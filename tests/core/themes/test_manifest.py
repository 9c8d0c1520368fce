"""What a theme says of itself is read without running anything, and checked."""

from __future__ import annotations

import pytest

from core.themes import ThemeError, read_theme
from tests.core.themes.places import write_theme

TONES = '{background = "#ffffff", surface = "#eeeeee", ink = "#111111"}'


def test_a_theme_is_read(tmp_path):
    """Its words, its palette, its settings."""
    more = f"[palette]\nlight = {TONES}\ndark = {TONES}\n[settings.accent]\ntype = 'color'"
    manifest = read_theme(write_theme(tmp_path, "mine", more))

    assert manifest.name == "mine"
    assert manifest.palette.light.ground.ink == "#111111"
    assert manifest.settings["accent"].kind == "color"


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ("[settings.key]\ntype = 'secret'", "no theme may ask"),
        ("[settings.price]\ntype = 'money'", "no theme may ask"),
        ("[settings.Bad-Key]\ntype = 'text'", "is wrong"),
        ("[surprise]", "is wrong"),
        ("parent = 3", "is wrong"),
        ("[palette]\nlight = {}\ndark = {}", "is wrong"),
        (f"[palette]\nlight = {TONES}\ndark = {TONES.replace('#111111', '#cccccc')}", "dark"),
        ("[[fonts]]\nfamily='A'\nlicence='B'\nfiles=['../../keys/x.woff2']", "is wrong"),
        ("[[fonts]]\nfamily='A'\nlicence='B'\nfiles=['x.html']", "is wrong"),
        ("not toml", "is wrong"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, more, why):
    """The message names the file; nothing secret and no money can be asked for."""
    place = write_theme(tmp_path, "mine", more)

    with pytest.raises(ThemeError, match=why) as found:
        read_theme(place)
    assert "theme.toml" in str(found.value)


def test_a_theme_is_named_as_its_folder(tmp_path):
    """In small letters, so that it can stand in an address."""
    place = write_theme(tmp_path, "mine")
    with pytest.raises(ThemeError, match="named as its folder"):
        read_theme(place.rename(tmp_path / "other"))
    with pytest.raises(ThemeError, match="named as its folder"):
        read_theme(write_theme(tmp_path, "Mine_2"))
    with pytest.raises(ThemeError, match="cannot be read"):
        read_theme(tmp_path / "nowhere")
