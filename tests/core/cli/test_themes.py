"""obolo themes list, new, child, use."""

from __future__ import annotations


def test_a_theme_is_made_listed_and_used(obolo, home):
    """Each command says what comes next."""
    made = [obolo("themes", "child", "edicola", "weekly"), obolo("themes", "new", "mine")]
    used = obolo("themes", "use", "weekly")
    listed = obolo("themes", "list").text

    assert [one.code for one in (*made, used)] == [0, 0, 0]
    assert "obolo themes use weekly" in made[0].text
    assert (home / "themes/mine/static/theme.css").stat().st_size > 10_000
    assert "used weekly" in listed
    assert "(child of edicola)" in listed


def test_what_cannot_be_is_said(obolo, home):
    """A parent that is not there, and a theme with a faulty template."""
    assert obolo("themes", "child", "nobody", "mine").code == 1
    obolo("themes", "child", "foglio", "mine")
    (home / "themes/mine/templates").mkdir()
    (home / "themes/mine/templates/layout.html").write_text("{% block %}")
    (home / "themes/broken").mkdir()
    (home / "themes/broken/theme.toml").write_text("")

    assert "has a fault in templates/layout.html" in str(obolo("themes", "use", "mine").error)
    assert "broken         cannot be used" in obolo("themes", "list").text
