"""The media list: what is taken and in what shape, who gets it, and what happens to it."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import pytest

from core import BadInput, storage
from core.audit import events
from plugins.posts import media, shelf
from plugins.posts.pictures import kind_of
from plugins.posts.resizing import cleaned
from tests.conftest import browser_of, database_of_its_own
from tests.plugins.posts.pictures import ENDINGS, SECRET, opened, photo
from tests.plugins.posts.texts import SVG, add_shop, count
from tests.plugins.posts.writers import change, write, writer

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
DRAWING = SVG.format(fill="red").encode()


@pytest.fixture
def site(make_site):
    app = make_site("posts", "playmoney", settings={"checkout.allow_loss": True})
    add_shop()
    return app


@pytest.fixture
def editor(site):
    return writer(site)


def upload(person, *files):
    sent = {"csrf": person.csrf, "files": [(io.BytesIO(data), name) for name, data in files]}
    return person.client.post("/admin/media/", data=sent, content_type="multipart/form-data")


def uploaded(person, name, data):
    answer = upload(person, (name, data))
    assert answer.status_code == 303, answer.text
    return answer.location.rpartition("/")[2].partition("?")[0]


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("turned", [1, 6])
def test_a_photograph_says_nothing_of_its_place(ending, turned):
    """EXIF, comments and text go, whatever the format; one that lies on its side is turned."""
    before = photo(ending, turned=turned)
    after = cleaned(before, ending)
    picture = opened(after)

    assert SECRET.encode() in before
    assert SECRET.encode() not in after
    assert not picture.getexif()
    assert picture.size == ((1200, 600) if turned == 1 else (600, 1200))
    corner = picture.convert("RGB").getpixel((5, 5))
    assert corner[0] > 200 > corner[2], "red is above, or on the left"
    if turned == 1:
        assert picture.tobytes() == opened(before).tobytes(), "the pixels are the same"


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_is_damaged_is_refused(ending):
    """Half a picture, and one that only begins like one."""
    whole = photo(ending)
    with pytest.raises(BadInput):
        cleaned(whole[:12] + b"\xff" * 40, ending)


def test_a_file_is_what_its_bytes_are():
    """The name and what the browser says count for nothing."""
    for ending in ENDINGS:
        assert kind_of(photo(ending, (4, 4))) == ending
    assert kind_of(DRAWING) == kind_of(b"<?xml version='1.0'?>\n<!-- x --> " + DRAWING) == ".svg"
    assert kind_of(b"GIF89a...") == ".gif"
    assert kind_of(b"%PDF-1.7") == ".pdf"
    for other in (b"", b"MZ", b"<html>", b"<!DOCTYPE svg><svg>", b"\xff\xfe<svg>", b"PK\x03\x04"):
        assert kind_of(other) is None


def test_a_picture_is_kept_made_smaller_and_shown(site, editor):
    """Three sizes in WebP by a task, the page offers them, and the original as the largest."""
    name = uploaded(editor, "My Garden.JPG", photo(".jpg", (2000, 1000)))
    assert name.startswith("my-garden-")
    sizes = list(shelf.find(name).medium.copies)
    made = [opened((media.folder() / one).read_bytes()) for one in sizes]
    assert [one.size for one in made] == [(480, 240), (960, 480), (1600, 800)]
    assert {one.format for one in made} == {"WEBP"}
    write(editor, body=f"![A garden]({name})\n\n<!-- more -->\n\nRest.", cover=name)
    client = browser_of(site)
    page = client.get("/hello").text

    assert f"/hello/media/{sizes[0]} 480w" in page
    assert f"/hello/media/{name} 2000w" in page
    small = client.get(f"/hello/media/{sizes[0]}")
    assert small.mimetype == "image/webp"
    assert "immutable" in small.headers["Cache-Control"]
    (media.folder() / sizes[0]).unlink()
    instead = client.get(f"/hello/media/{sizes[0]}")
    assert (instead.status_code, instead.mimetype) == (200, "image/jpeg")
    assert "immutable" not in instead.headers["Cache-Control"]


@on_sqlite
def test_sizes_of_a_picture_behind_the_gate_stay_behind_it(site, editor):
    """Neither it nor a smaller one is sent to a stranger, in the list's folder either."""
    name = uploaded(editor, "paid.png", photo(".png"))
    small = next(iter(shelf.find(name).medium.copies))
    body = f"Free.\n\n<!-- more -->\n\n![Paid]({name})"
    write(editor, body=body, **{"field-price": "0.20", "field-price-on": "yes"})
    client = browser_of(site)

    assert name not in client.get("/hello").text
    for one in (name, small):
        assert client.get(f"/hello/media/{one}").status_code == 403
        assert client.get(f"/admin/media/file/{one}").status_code == 303
        assert editor.client.get(f"/admin/media/file/{one}").status_code == 200


@on_sqlite
def test_what_is_no_picture_for_a_text_is_named(site, editor, monkeypatch):
    """Each wrong file with its reason; the right ones of the same form are kept."""
    huge = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 20_000, 20_000) + b"\x08\2\0\0\0"
    monkeypatch.setattr(media, "MOST_BYTES", 100_000)
    running = b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>"
    answer = upload(
        editor, ("page.png", b"<html>"), ("run.svg", running), ("huge.png", huge),
        ("long.pdf", b"%PDF-" + b"0" * 100_001), ("good.svg", DRAWING),
    )  # fmt: skip

    assert answer.status_code == 422
    for said in ("“page.png” is none of these", "holds &lt;script&gt;", "40 million pixels",
                 "“long.pdf” is larger", "1 file was kept"):  # fmt: skip
        assert said in answer.text
    assert count("posts_medium") == 1
    assert upload(editor).status_code == 422


def test_a_file_that_is_used_stays(site, editor):
    """Its page names the texts; deleting is refused until none shows it, and needs a reason."""
    name = uploaded(editor, "draw.svg", DRAWING)
    address = f"/admin/media/{name}"
    post_id = write(editor, body=f"One.\n\n![x]({name})")
    assert f"/admin/posts/{post_id}" in editor.client.get(address).text
    assert editor.post(f"{address}/delete", reason="not needed").status_code == 409
    change(editor, post_id, body="Nothing.")
    assert editor.post(f"{address}/delete", reason="").status_code == 422
    assert editor.post(f"{address}/delete", reason="not needed").status_code == 303

    assert count("posts_medium") == 0
    assert (media.folder() / name).exists(), "an earlier revision shows it"
    assert events(subject=name)[0].action == "posts.delete_file"
    other = uploaded(editor, "other.svg", SVG.format(fill="blue").encode())
    editor.post(f"/admin/media/{other}/delete", reason="not needed")
    assert not (media.folder() / other).exists()


def test_files_have_words_and_tags_to_be_found_by(site, editor):
    """What it shows goes into a text with it; too much of either is refused, and not lost."""
    name = uploaded(editor, "draw.svg", DRAWING)
    address = f"/admin/media/{name}"
    assert editor.post(address, alt="A red  square", tags="Shapes, red,").status_code == 303
    item = shelf.find(name)

    assert (item.alt, item.tags) == ("A red square", ("shapes", "red"))
    assert item.line == f"![A red square]({name})"
    table = shelf.find(uploaded(editor, "a [1].pdf", b"%PDF-1.7"))
    assert table.line == f"[a (1).pdf]({table.name})"
    for query in ("q=square", "q=draw", "tag=red"):
        assert name in editor.client.get(f"/admin/media/?{query}").text
    for query in ("q=circle", "tag=re", "q=%25"):
        assert name not in editor.client.get(f"/admin/media/?{query}").text
    refused = editor.post(address, alt="x" * 301, tags="mine")
    assert refused.status_code == 422
    assert 'value="mine"' in refused.text


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_site_that_has_texts_already_gets_its_list(kind, template, tmp_path):
    """The migration lists every file of every revision, once."""
    folder = Path(media.__file__).parent / "migrations"
    with database_of_its_own(kind, template, tmp_path) as url:
        storage.connect(url)
        with storage.lock_migrations():
            storage.Migrations("posts", folder).apply("0001_initial")
        row = {
            "post_id": "pst_1", "digest": "", "file": "a.md", "language": "en", "title": "A",
            "summary": "", "source": "", "teaser_html": "", "rest_html": "", "tags": "[]",
            "authors": "[]", "fields": "{}", "cover": "", "minutes": 1, "more_minutes": 1,
            "media": '[["sub/x.png","x-1.png",40,30,true]]',
        }  # fmt: skip
        storage.insert("posts_post", {
            "id": "pst_1", "slug": "a", "kind": "post", "state": "draft", "published": None,
            "revision_id": "rev_2", "translation_of": None, "translations": "[]", "created": 1,
            "changed": 1,
        })  # fmt: skip
        for number in (1, 2):
            storage.insert("posts_revision", {**row, "id": f"rev_{number}", "created": number})
        with storage.lock_migrations():
            assert storage.Migrations("posts", folder).apply() == ["0002_writing"]
        (item,) = shelf.listed()
        assert (item.name, item.file, item.width, item.created) == ("x-1.png", "x.png", 40, 1)
        assert [use.slug for use in shelf.uses(["x-1.png"])["x-1.png"]] == ["a"]
        storage.close()
