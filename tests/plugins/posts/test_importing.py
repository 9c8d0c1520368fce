"""Folders of texts: all of them or none, only what changed, and out again as they came."""

from __future__ import annotations

from pathlib import Path

import pytest

from core import BadInput, execute
from plugins.posts import media, records
from plugins.posts.exporting import export_folder
from plugins.posts.importing import import_folder
from tests.plugins.posts.pictures import SECRET, opened, photo
from tests.plugins.posts.texts import SVG, add_shop, bring, count, write

DEMO = Path(__file__).parents[3] / "plugins" / "posts" / "demo"


@pytest.fixture
def site(make_site):
    app = make_site("posts")
    add_shop()
    with app.app_context():
        yield app


def test_importing_again_changes_nothing(site, tmp_path):
    """No revision is made of a text that is as it was."""
    write(tmp_path, "a")
    write(tmp_path, "b")
    assert import_folder(tmp_path).made == 2
    write(tmp_path, "b", "Other words.")
    again = import_folder(tmp_path)

    assert (again.made, again.changed, again.same) == (0, 1, 1)
    assert count("posts_post") == 2
    assert count("posts_revision") == 3
    assert import_folder(tmp_path).same == 2


def test_a_picture_that_changed_makes_a_revision(site, tmp_path):
    """What a text shows is part of it."""
    write(tmp_path, "a", "![x](x.svg)")
    (tmp_path / "x.svg").write_text(SVG.format(fill="red"))
    import_folder(tmp_path)
    (tmp_path / "x.svg").write_text(SVG.format(fill="blue"))

    assert import_folder(tmp_path).changed == 1


@pytest.mark.parametrize(
    ("front", "said"),
    [
        ({"titel": "x"}, "line 4: there is no key “titel”; did you mean “title”?"),
        ({"pirce": "x"}, "did you mean “price”?"),
        ({"title": None}, "“title” is missing"),
        ({"published": "tomorrow"}, "line 3: “published” is no date"),
        ({"published": None, "state": "published"}, "does not say since when"),
        ({"state": "maybe"}, "must be one of draft, published"),
        ({"kind": "poem"}, "must be one of post, page"),
        ({"slug": "Not A Slug"}, "small letters"),
        ({"slug": "search"}, "taken by the site itself"),
        ({"slug": "library"}, "taken by the site itself"),
        ({"language": "italiano!"}, "is no code"),
        ({"price": "a lot"}, "“price” “a” is not an amount"),
        ({"kind": "page", "price": "0.20 EUR"}, "there is no key “price”"),
        ({"tags": "a/b"}, "slash"),
        ({"cover": "none.svg"}, "there is no file “none.svg”"),
        ({"cover": "../secret.svg"}, "outside of the folder"),
        ({"translation_of": "nothing"}, "“nothing”, which is not there"),
    ],
)
def test_one_wrong_file_stops_all(site, tmp_path, front, said):
    """The error names file, line and key, and nothing at all is stored."""
    folder = tmp_path / "texts"
    (tmp_path / "secret.svg").write_text(SVG.format(fill="red"))
    write(folder, "good")
    write(folder, "wrong", **front)
    with pytest.raises(BadInput) as caught:
        import_folder(folder)

    assert "wrong.md" in str(caught.value)
    assert said in str(caught.value)
    assert count("posts_post") == 0


@pytest.mark.parametrize(
    "content", [b"no front matter", b"---\ntitle: x\n", b"---\ntitle\n---\n",
                b"---\ntitle: a\ntitle: b\n---\n", b"---\ntitle: a\n---\n\x1e", b"\xff\xfe"],
)  # fmt: skip
def test_what_is_no_text_is_refused(site, tmp_path, content):
    """Front matter that cannot be read, control characters, other encodings."""
    (tmp_path / "x.md").write_bytes(content)
    with pytest.raises(BadInput, match=r"x\.md"):
        import_folder(tmp_path)


def test_two_files_cannot_have_one_slug(site, tmp_path):
    """The second is named, with the first."""
    write(tmp_path, "a", slug="same")
    write(tmp_path, "b", slug="same")
    with pytest.raises(BadInput, match=r"b\.md: the slug “same” is also that of a\.md"):
        import_folder(tmp_path)


@pytest.mark.parametrize(
    "inside",
    [
        "<script>alert(1)</script>",
        '<rect onclick="alert(1)"/>',
        '<a href="javascript:alert(1)"><rect/></a>',
        '<use href="//evil.example/x.svg#a"/>',
        '<use xlink:href="data:image/svg+xml,x" xmlns:xlink="http://www.w3.org/1999/xlink"/>',
        '<image href="http://evil.example/x.png"/>',
        "<foreignObject><p>x</p></foreignObject>",
        "<style>@import '//evil.example/x.css';</style>",
        "<style>rect { fill: url(//evil.example/x) }</style>",
        '<rect fill="url(http://evil.example/#a)"/>',
        '<set attributeName="href" to="javascript:alert(1)"/>',
        "<?xml-stylesheet href='x.css'?>",
    ],
)
def test_a_picture_that_runs_or_fetches_is_refused(site, tmp_path, inside):
    """SVG is for drawing only."""
    write(tmp_path, "a", "![x](x.svg)")
    (tmp_path / "x.svg").write_text(f'<svg xmlns="http://www.w3.org/2000/svg">{inside}</svg>')
    with pytest.raises(BadInput, match=r"a\.md"):
        import_folder(tmp_path)


def test_a_picture_is_what_its_name_says(site, tmp_path):
    """A page of HTML that is called a picture is refused."""
    write(tmp_path, "a", "![x](x.png)")
    (tmp_path / "x.png").write_text("<script>alert(1)</script>")
    with pytest.raises(BadInput, match=r"x\.png"):
        import_folder(tmp_path)


def test_a_doctype_is_refused(site, tmp_path):
    """Entities could blow a small file up."""
    write(tmp_path, "a", "![x](x.svg)")
    (tmp_path / "x.svg").write_text('<!DOCTYPE svg [<!ENTITY a "b">]>' + SVG.format(fill="red"))
    with pytest.raises(BadInput):
        import_folder(tmp_path)


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_what_came_in_goes_out_as_it_was(site, tmp_path):
    """The demo's folder and its export are the same, byte for byte, and import as unchanged."""
    made = import_folder(DEMO)
    assert export_folder(tmp_path / "out") == made.made == 8

    assert contents(tmp_path / "out") == contents(DEMO)
    assert import_folder(tmp_path / "out").same == made.made


def test_an_export_writes_nothing_over(site, tmp_path):
    """Two texts of one file name get two folders."""
    write(tmp_path / "one", "a", slug="first")
    write(tmp_path / "two", "a", "Other.", slug="second")
    import_folder(tmp_path / "one")
    import_folder(tmp_path / "two")
    export_folder(tmp_path / "out")

    assert set(contents(tmp_path / "out")) == {"a.md", "second/a.md"}


def test_the_commands_bring_in_out_and_list(site, tmp_path, capsys):
    """`obolo posts import FOLDER`, `export FOLDER`, `list`; the demo calls the first by itself."""
    write(tmp_path / "in", "hello", price="0.20 EUR")
    commands = site.cli.commands["posts"].commands
    commands["import"].callback(tmp_path / "in")
    commands["list"].callback()
    commands["export"].callback(tmp_path / "out")

    said = capsys.readouterr().out
    assert "1 new, 0 changed, 0 as they were" in said
    assert "/hello" in said
    assert contents(tmp_path / "out") == contents(tmp_path / "in")
    assert records.find_card("post:hello").fields == {"price": "0.20 EUR"}


def test_a_text_keeps_its_file_of_another_folder(site, tmp_path):
    """Importing one folder leaves the texts of others alone."""
    write(tmp_path / "one", "a")
    write(tmp_path / "two", "b")
    bring(site, tmp_path / "one")
    bring(site, tmp_path / "two")

    assert execute("SELECT COUNT(*) FROM posts_post").fetchone()[0] == 2


def test_pictures_of_a_folder_lose_what_cameras_note(site, tmp_path):
    """As uploaded ones do; to import the same again, or what was exported, changes nothing."""
    folder = tmp_path / "in"
    folder.mkdir()
    write(folder, "a", "![x](x.jpeg)")
    (folder / "x.jpeg").write_bytes(photo(".jpg", turned=6))
    import_folder(folder)
    (kept,) = media.folder().glob("x-*.jpeg")
    export_folder(tmp_path / "out")

    assert SECRET.encode() not in kept.read_bytes()
    assert opened(kept.read_bytes()).size == (600, 1200)
    assert import_folder(folder).same == 1
    assert import_folder(tmp_path / "out").same == 1
