"""A site wears one theme, which its owner changes while it runs and can take back."""

from __future__ import annotations

import pytest

from core import settings
from core.errors import NotFound, Refused
from core.themes import Themes
from tests.core.themes.places import write_theme

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def themes(db, tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "_declared", dict(settings._declared))
    settings.reload()
    found = Themes.find(tmp_path / "themes", "quaderno")
    found.declare()
    yield found
    settings.reload()


def test_a_theme_is_used_and_taken_back(themes):
    """Other processes are told, and the one before is known."""
    assert (themes.active.name, themes.before) == ("quaderno", None)
    number = settings.generation("plugins")
    themes.use("edicola", "usr_1")

    assert (themes.active.name, themes.before.name) == ("edicola", "quaderno")
    assert settings.generation("plugins") == number + 1
    themes.use("quaderno", "usr_1")
    assert (themes.active.name, themes.before.name) == ("quaderno", "edicola")


def test_using_the_same_one_again_changes_nothing(themes):
    """So the one before stays the one before."""
    themes.use("foglio", "usr_1")
    themes.use("foglio", "usr_1")

    assert themes.before.name == "quaderno"


def test_settings_that_were_tried_come_along_or_nothing_does(themes):
    """A wrong one refuses the whole change."""
    themes.use("edicola", "usr_1", {"accent": "#123456", "unknown": "x"})
    assert settings.value("theme_edicola.accent") == "#123456"

    with pytest.raises(Refused):
        themes.use("foglio", "usr_1", {"accent": "red"})
    assert themes.active.name == "edicola"


def test_a_theme_that_is_not_there_is_refused(themes):
    """By name, and by its settings."""
    with pytest.raises(NotFound):
        themes.use("nobody", "usr_1")


def test_a_theme_that_went_leaves_the_plain_one(themes, tmp_path):
    """Somebody deleted its folder: the site stays up."""
    write_theme(tmp_path / "themes")
    more = Themes.find(tmp_path / "themes", "quaderno")
    more.declare()
    more.use("mine", "usr_1")

    assert more.active.name == "mine"
    assert themes.active.name == "quaderno"


def test_safe_mode_wears_the_plain_theme(themes, tmp_path):
    """Whatever was chosen, and nobody changes it there."""
    themes.use("edicola", "usr_1")
    write_theme(tmp_path / "themes")
    safe = Themes.find(tmp_path / "themes", "edicola", safe=True)

    assert safe.active.name == "quaderno"
    assert "mine" not in safe.found
    with pytest.raises(Refused):
        safe.use("foglio", "usr_1")
