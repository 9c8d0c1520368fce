"""Words are found alike on both databases, and the answer tells nothing that is paid for."""

from __future__ import annotations

import pytest

from core import Reader, execute
from plugins.posts import search
from plugins.posts.importing import import_folder
from tests.plugins.posts.texts import add_shop, write


@pytest.fixture
def site(make_site):
    app = make_site("posts")
    add_shop()
    with app.test_request_context():
        yield app


def found(text):
    return [hit.post.slug for hit in search.find(text, Reader())]


def test_accents_and_case_do_not_matter(site, tmp_path):
    """`caffe` finds caffè, `CAFFÈ` too, and the beginning of a word is enough."""
    write(tmp_path, "bar", "Un caffè ristretto, l’albergo, Straße, naïve.")
    import_folder(tmp_path)

    for text in ("caffe", "CAFFÈ", "caf", "albergo", "strasse", "naive ristr", "caffe\u0300"):
        assert found(text) == ["bar"], text
    assert found("tè") == []


def test_all_words_must_be_there(site, tmp_path):
    """Several words narrow what is found."""
    write(tmp_path, "a", "red blue")
    write(tmp_path, "b", "red")
    import_folder(tmp_path)

    assert set(found("red")) == {"a", "b"}
    assert found("red blue") == ["a"]
    assert found("red green") == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "'",
        '"',
        '" OR 1',
        "a:*",
        "NEAR(",
        "* & |",
        "\\",
        "%",
        "a' & !b",
        "-",
        "(((",
        "\x00",
    ],
)
def test_no_question_breaks_the_search(site, tmp_path, text):
    """What the databases' own languages mean is only words here."""
    write(tmp_path, "a", "red")
    import_folder(tmp_path)

    assert isinstance(found(text), list)
    assert isinstance(found(f"red {text}"), list)


def test_titles_come_first_then_the_newest(site, tmp_path):
    """The order depends on what is public alone."""
    write(tmp_path, "new", "red", published="2026-01-03")
    write(tmp_path, "old", "red", published="2026-01-01")
    write(tmp_path, "named", title="Red", published="2025-01-01")
    write(tmp_path, "summed", summary="About red", published="2024-01-01")
    import_folder(tmp_path)

    assert found("red") == ["named", "summed", "new", "old"]


def test_paid_text_changes_neither_number_nor_order(site, tmp_path):
    """The same question has the same answer, whatever stands behind gates."""
    for number in range(6):
        body = "red\n\n<!-- more -->\n\n" + ("red green " * number)
        write(tmp_path, f"n{number}", body, price="0.20 EUR", published=f"2025-01-0{number + 1}")
    import_folder(tmp_path)
    before = [found("red"), found("green"), found("red green")]
    for number in range(6):
        body = "red\n\n<!-- more -->\n\n" + ("red green " * (6 - number)) + "blue"
        write(tmp_path, f"n{number}", body, price="0.20 EUR", published=f"2025-01-0{number + 1}")
    import_folder(tmp_path)

    assert before == [found("red"), found("green"), found("red green")]
    assert before[1:] == [[], []]


def test_a_word_of_the_free_rest_is_found(site, tmp_path):
    """What is open to everybody is searched whole, and the snippet shows the place."""
    write(
        tmp_path,
        "a",
        "One.\n\n<!-- more -->\n\n" + "words " * 60 + "<b>zebra</b> & co " + "x " * 90,
    )
    import_folder(tmp_path)
    (hit,) = search.find("zebra", Reader())

    assert "<mark>zebra</mark> &amp; co" in hit.snippet
    assert len(hit.snippet) < 400


def test_what_changed_is_found_anew(site, tmp_path):
    """A text that was changed is not found by its old words; a draft by none."""
    write(tmp_path, "a", "red")
    import_folder(tmp_path)
    write(tmp_path, "a", "blue")
    import_folder(tmp_path)
    assert (found("red"), found("blue")) == ([], ["a"])
    write(tmp_path, "a", "blue", published=None)
    import_folder(tmp_path)

    assert found("blue") == []
    assert execute("SELECT COUNT(*) FROM posts_search").fetchone()[0] == 0
