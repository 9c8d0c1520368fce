"""A request is drawn in a theme: its templates, its files, and what its owner set."""

from __future__ import annotations

import re

import pytest

from core import settings
from core.errors import Refused
from core.web.themes import site_themes, wear
from tests.conftest import browser_of
from tests.core.themes.places import write_theme
from tests.people import signed_in

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "home" / "themes"


def styles(page):
    return re.findall(r'<link rel="stylesheet" href="([^"]+)"', page)


def test_a_themes_template_stands_first(make_site, folder):
    """Child, parent, plugin, core: each where the one before has none."""
    write_theme(
        folder, "parent", 'parent = "quaderno"',
        **{"templates/error.html": "of the parent", "templates/layout.html": "of the parent"},
    )  # fmt: skip
    write_theme(folder, "child", 'parent = "parent"', **{"templates/error.html": "of the child"})
    app = make_site("posts", settings={"site.theme": "child"})
    client = browser_of(app)

    assert client.get("/no/such").text == "of the child"
    assert client.get("/search").text == "of the parent"
    assert client.get("/feed.xml").text.startswith("<?xml")


def test_a_theme_is_worn_from_the_next_page_on(make_site):
    """Pages that were kept are drawn anew, without a restart."""
    app = make_site("posts")
    client = browser_of(app)
    before = client.get("/").text
    with app.app_context():
        wear("foglio", "test")
    after = client.get("/").text

    assert [one.split("/")[3] for one in styles(before)] == ["quaderno"]
    assert [one.split("/")[3] for one in styles(after)] == ["quaderno", "foglio"]
    assert 'data-typeface="literata"' in before
    assert 'data-typeface="sans" data-pictures="no"' in after


def test_files_come_from_the_theme_or_its_parent(make_site):
    """Under an address that changes with their content, kept for a year."""
    client = browser_of(make_site("posts", settings={"site.theme": "edicola"}))
    page = client.get("/").text
    script = re.search(r'src="(/static/theme/edicola/theme\.js\?v=\w+)"', page)[1]

    assert "max-age=31536000" in client.get(script).headers["Cache-Control"]
    for address in ("nobody/theme.css", "edicola/nothing.css", "edicola/..%2ftheme.toml"):
        assert client.get(f"/static/theme/{address}").status_code == 404


def test_settings_are_a_stylesheet_of_their_own(make_site):
    """Kept for ever under what they are; an old address brings the present, not kept."""
    app = make_site("posts")
    client = browser_of(app)
    assert len(styles(client.get("/").text)) == 1
    settings.save("theme_quaderno.accent", "#ff6719", "test")
    address = styles(client.get("/").text)[-1]
    answer, old = client.get(address), client.get("/static/theme/settings-000000000000.css")

    assert answer.mimetype == "text/css"
    assert "#ff6719" in answer.text
    assert "immutable" in answer.headers["Cache-Control"]
    assert (old.text, old.headers["Cache-Control"]) == (answer.text, "private, no-store")


def test_the_owners_pages_have_no_template_of_a_theme(make_site, folder):
    """So that there is always a way back; its colours they take."""
    write_theme(
        folder, "mine", 'parent = "quaderno"',
        **{
            "templates/admin/layout.html": "theirs", "templates/macros.html": "{{ 1/0 }}",
            "templates/layout.html": "theirs",
        },
    )  # fmt: skip
    client = browser_of(make_site(settings={"site.theme": "mine"}))
    signed_in(client, "owner")
    page = client.get("/admin/themes/")

    assert page.status_code == 200
    assert "theirs" not in page.text
    assert len(styles(page.text)) == 3
    assert client.get("/library/").text == "theirs"


def test_a_faulty_template_is_not_used(make_site, folder):
    """The refusal names file and line; the site stays as it is."""
    write_theme(folder, "mine", 'parent = "quaderno"', **{"templates/a.html": "\n{% if %}"})
    app = make_site()
    with app.app_context():
        with pytest.raises(Refused, match=r"templates/a\.html"):
            wear("mine", "test")
        assert site_themes().active.name == "quaderno"
