"""What an owner sets becomes a few properties, and nothing that could be anything else."""

from __future__ import annotations

from core.themes import find_themes, stylesheet
from tests.core.themes.places import write_theme

QUADERNO = find_themes([])[0]["quaderno"]


def test_who_chose_nothing_loads_nothing():
    """The theme's own colours are its author's, not computed ones."""
    assert stylesheet(QUADERNO, {}) == ""
    assert stylesheet(QUADERNO, {"accent": "#0f5f57", "typeface": "sans"}) == ""


def test_an_accent_becomes_all_its_shades():
    """In the layer that stands above the theme's own, for both schemes."""
    css = stylesheet(QUADERNO, {"accent": "#ff6719"})

    assert css.startswith("@layer theme{:root{--accent:light-dark(#")
    assert "--fill:light-dark(#ff6719,#ff6719);" in css
    assert "--on-fill:light-dark(#1d1b18,#1d1b18);" in css
    assert css.count("light-dark(") == 7


def test_another_colour_is_a_property_of_its_name(tmp_path):
    """Of a theme of one's own; without a palette nothing is computed."""
    write_theme(
        tmp_path, "mine", "[settings.page_edge]\ntype='color'\n[settings.accent]\ntype='color'"
    )
    theme = find_themes([tmp_path])[0]["mine"]

    css = stylesheet(theme, {"page_edge": "#112233", "accent": "#445566"})
    assert css == "@layer theme{:root{--page-edge:#112233;--accent:#445566;}}\n"
