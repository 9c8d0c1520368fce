"""docs/themes.md makes a theme, and what it makes works."""

from __future__ import annotations

import re
import tomllib

import pytest

from core import settings
from core.themes import read_theme
from core.themes.colours import LEAST, contrast
from core.web.themes import site_themes
from tests.conftest import browser_of
from tests.docs.pages import ROOT, blocks

PAGE = ROOT / "docs" / "themes.md"
FILES = {block.file: block.text for block in blocks(PAGE, "toml", "css", "html")}
FONTS = FILES.pop("fonts.toml")
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "home" / "themes" / "quercia"
    for name, text in FILES.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text)
    return place


def test_the_page_writes_every_file_that_it_draws(db):
    """The tree on the page and the blocks under it are the same files."""
    tree = next(block.text for block in blocks(PAGE, "text"))

    assert set(FILES) == {line.strip() for line in tree.splitlines()[1:]}


def test_the_theme_is_worn(make_site, folder):
    """Its line, its choice and its colours are on the front page."""
    app = make_site(
        "posts",
        settings={
            "site.theme": "quercia", "theme_quercia.motto": "Slowly.",
            "theme_quercia.titles": "sans", "theme_quercia.accent": "#c8a200",
        },
    )  # fmt: skip
    page = browser_of(app).get("/").text

    assert '<p class="meta">Slowly.</p>' in page
    assert 'data-titles="sans"' in page
    assert re.findall(r"/static/theme/(\w+)/theme\.css", page) == ["quaderno", "quercia"]
    assert "settings-" in page
    with app.app_context():
        assert site_themes().broken == {}
        assert settings.value("theme_quercia.typeface") == "literata"


def test_its_colours_can_be_read(db, folder):
    """A page that teaches must not teach grey on grey."""
    css = FILES["static/theme.css"]
    pairs = [
        ("ink", "bg"), ("ink", "surface"), ("accent", "bg"), ("accent", "surface"),
        ("accent", "accent-soft"), ("on-accent", "accent"), ("on-accent", "accent-deep"),
    ]  # fmt: skip
    tokens = {
        name: both for name, *both in re.findall(r"--([\w-]+): light-dark\((\S+), (\S+)\)", css)
    }
    for one, other in pairs:
        for scheme in (0, 1):
            assert contrast(tokens[one][scheme], tokens[other][scheme]) >= LEAST, (one, other)


def test_the_fonts_of_the_page_are_there(db, folder):
    """The block fits into the manifest."""
    (folder / "theme.toml").write_text(FONTS + FILES["theme.toml"])
    (font,) = read_theme(folder).fonts

    assert font.family == tomllib.loads(FONTS)["fonts"][0]["family"]
    assert (ROOT / "core/static" / font.files[0].removeprefix("core/")).is_file()
