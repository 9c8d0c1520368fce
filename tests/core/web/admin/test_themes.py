"""Look: task O5, a theme is tried with one tap, used with one, and taken back with one."""

from __future__ import annotations

import re

import pytest

from core import settings
from tests.conftest import browser_of
from tests.core.themes.places import write_theme
from tests.people import signed_in

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def app(make_site, tmp_path):
    write_theme(tmp_path / "home" / "themes", "broken", "parent = 3")
    write_theme(
        tmp_path / "home" / "themes", "every",
        "".join(
            f"[settings.{kind}]\ntype = '{kind}'\n"
            for kind in ("text", "longtext", "bool", "int", "color", "url", "image")
        ),
    )  # fmt: skip
    return make_site("posts")


@pytest.fixture
def owner(app):
    return signed_in(browser_of(app), "owner")


def test_every_theme_is_shown(owner):
    """With what it costs a reader to download, and why another cannot be used."""
    page = owner.client.get("/admin/themes/", headers={"Accept-Language": "it"}).text

    assert page.index("Quaderno") < page.index("Edicola") < page.index("Foglio")
    assert "nessun carattere da scaricare" in page
    assert page.count('value="quaderno"') == 0, "the theme in use is not offered"
    assert "broken" in page


def test_a_theme_is_used_and_taken_back(app, owner):
    """One tap each: the page says so, and has the way back."""
    done = owner.post("/admin/themes/use", theme="foglio")
    page = owner.client.get(done.headers["Location"]).text
    assert "Your readers see Foglio now." in page
    assert "Back to Quaderno" in page
    assert "/static/theme/foglio/" in browser_of(app).get("/").text

    owner.post("/admin/themes/undo")
    assert settings.value("site.theme") == "quaderno"
    assert owner.post("/admin/themes/use", theme="nobody").status_code == 404


def test_an_accent_is_measured(owner):
    """The owner reads what becomes of the colour, and is warned below 4.5 to 1."""
    done = owner.post(
        "/admin/themes/quaderno/settings", accent="#ff6719", typeface="serif", act="save"
    )
    page = owner.client.get(done.headers["Location"]).text
    assert "Saved." in page
    assert "are dark: a contrast of 5.9 to 1, where white would have 2.9" in page
    assert "less than 4.5 is hard to read" in page

    owner.post("/admin/themes/quaderno/settings", act="reset")
    page = owner.client.get("/admin/themes/quaderno/settings").text
    assert settings.value("theme_quaderno.accent") == "#0f5f57"
    assert "are white: a contrast of 7.5 to 1" in page
    assert "hard to read" not in page


def test_unsaved_settings_are_looked_at_first(app, owner):
    """On the real pages, by this owner only; using the theme from there keeps them."""
    form = {"accent": "#7a1fa2", "front": "even", "typeface": "literata"}
    link = owner.post("/admin/themes/edicola/settings", **form, act="try").headers["Location"]
    page = owner.client.get(link).text
    style = re.findall(r'href="(/static/theme/settings-\w+\.css)"', page)[0]
    assert 'data-front="even"' in page
    assert "#7a1fa2" in owner.client.get(style).text
    assert settings.value("theme_edicola.accent") == "#b5162b"
    assert "#7a1fa2" not in browser_of(app).get(style).text

    owner.post("/admin/themes/use", theme="edicola")
    assert settings.value("theme_edicola.accent") == "#7a1fa2"
    assert 'data-front="even"' in browser_of(app).get("/").text


def test_every_kind_of_setting_has_a_field(owner):
    """What was typed is saved, and an empty one is none."""
    form = {
        "text": " Ciao ", "longtext": "a\nb", "bool": "yes", "int": "7", "color": "#102030",
        "url": "https://example.org", "image": "/about/media/a.png",
    }  # fmt: skip
    assert owner.post("/admin/themes/every/settings", **form).status_code == 303
    page = owner.client.get("/admin/themes/every/settings").text

    assert settings.value("theme_every.text") == "Ciao"
    assert settings.value("theme_every.bool") is True
    assert settings.value("theme_every.int") == 7
    assert all(f'name="{name}"' in page for name in form)


def test_a_wrong_value_is_drawn_again(owner):
    """With what was typed and a sentence at its field; nothing is saved."""
    form = {"color": "red", "int": "many", "text": "kept", "url": "ftp:x", "image": "x"}
    page = owner.post("/admin/themes/every/settings", **form)

    assert page.status_code == 422
    assert page.text.count('role="alert"') == 4
    assert 'value="kept"' in page.text
    assert 'value="many"' in page.text
    assert settings.value("theme_every.text") == ""


def test_what_the_environment_fixes_is_shown_as_locked(owner, monkeypatch):
    """And the rest of the form can still be saved."""
    monkeypatch.setenv("OBOLO_THEME_QUADERNO__ACCENT", "#445566")
    page = owner.client.get("/admin/themes/quaderno/settings").text
    saved = owner.post("/admin/themes/quaderno/settings", accent="#000000", typeface="sans")

    assert "OBOLO_THEME_QUADERNO__ACCENT" in page
    assert " disabled" in page
    assert saved.status_code == 303
    assert settings.value("theme_quaderno.typeface") == "sans"
