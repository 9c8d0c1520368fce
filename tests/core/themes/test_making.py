"""A theme of one's own starts as a child or as a copy, and works at once."""

from __future__ import annotations

import pytest

from core.errors import Conflict
from core.themes import ThemeError, copy, find_themes, make_child


def test_a_child_is_a_manifest_and_an_empty_stylesheet(tmp_path):
    """Nothing else, so that there is nothing to keep up with."""
    place = make_child(find_themes([])[0]["foglio"], "leaf", tmp_path)
    files = {path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()}
    theme = find_themes([tmp_path])[0]["leaf"]

    assert files == {"theme.toml", "static/theme.css"}
    assert (place / "static/theme.css").read_text() == ""
    assert theme.parent.name == "foglio"
    assert theme.title("it") == "Leaf"


def test_a_copy_stands_alone(tmp_path):
    """With its own name, and without a parent."""
    copy("quaderno", "mine", tmp_path)
    theme = find_themes([tmp_path])[0]["mine"]

    assert theme.parent is None
    assert theme.title("it") == "Mine"
    assert theme.settings["accent"].name == "theme_mine.accent"


def test_a_name_is_taken_once(tmp_path):
    """Neither another theme nor a bundled one is overwritten; a wrong name is refused."""
    copy("quaderno", "mine", tmp_path)
    parent = find_themes([])[0]["quaderno"]

    for name, error in (("mine", Conflict), ("edicola", Conflict), ("../x", ThemeError)):
        with pytest.raises(error):
            make_child(parent, name, tmp_path)
