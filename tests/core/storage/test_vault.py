"""The vault: what is sealed for one place opens there, and nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.storage import keys, vault
from core.storage.vault import Unreadable

PLACE = {"table": "note", "column": "body", "row": "n1"}
TEXTS = ["", "a", "a" * 28, "a" * 29, "Perché no? 🍋", "x" * 70_000, "\x00\n"]


def sealed(text="secret", subject="person:a", **place):
    return vault.seal(text, subject=subject, **PLACE | place)


@pytest.mark.parametrize("text", TEXTS, ids=len)
def test_what_is_sealed_is_read_again(db, text):
    """Any text, an empty one too."""
    assert vault.unseal(sealed(text), **PLACE) == text


def test_a_cell_is_laid_out_as_written(db):
    """Version, algorithm, key, nonce, text, tag."""
    cell = sealed()

    assert cell[:2] == b"\x01\x01"
    assert vault.key_id_of(cell) == keys.key_for("person:a", "cell").id
    assert len(cell) == 2 + 16 + 12 + 32 + 16
    assert b"secret" not in cell


def test_the_same_text_looks_different_each_time(db):
    """Nobody sees that two cells are equal."""
    assert len({sealed() for _ in range(100)}) == 100


def test_lengths_tell_little(db):
    """Texts of up to 28 bytes are equally long."""
    assert len({len(sealed("x" * length)) for length in range(29)}) == 1


@pytest.mark.parametrize(
    "place", [{"table": "notes"}, {"column": "title"}, {"row": "n2"}], ids=lambda p: next(iter(p))
)
def test_a_cell_opens_in_its_place_only(db, place):
    """Another table, column or row cannot use it."""
    with pytest.raises(Unreadable):
        vault.unseal(sealed(), **PLACE | place)


def test_parts_of_a_place_cannot_shift(db):
    """`a` and `bc` are not `ab` and `c`."""
    cell = vault.seal("secret", table="a", column="bc", row="1", subject="person:a")

    with pytest.raises(Unreadable):
        vault.unseal(cell, table="ab", column="c", row="1")


def test_all_damage_is_told_alike(db):
    """An unknown key, a broken tag and a short cell give the same words."""
    cell = sealed()
    damaged = [b"", cell[:-1], cell[:40], b"\x02" + cell[1:], cell[:2] + bytes(16) + cell[18:],
               cell[:-1] + bytes([cell[-1] ^ 1])]  # fmt: skip
    words = set()
    for bad in damaged:
        with pytest.raises(Unreadable) as told:
            vault.unseal(bad, **PLACE)
        words.add((str(told.value), told.value.__cause__))

    assert len(words) == 1


def test_what_was_shredded_is_told_as_such(db):
    """Its key is gone on purpose, which is no damage."""
    cell = sealed()
    keys.shred("person:a")

    with pytest.raises(keys.Shredded):
        vault.unseal(cell, **PLACE)


def test_a_row_of_several_keys_has_one_name():
    """Parts do not run together."""
    assert vault.row_name("n1") == "n1"
    assert vault.row_name(7) == "7"
    assert vault.row_name("a", "b,c") != vault.row_name("a,b", "c")


def test_an_index_finds_what_is_written_differently(db):
    """Case, width and outer blanks do not matter; another text and another column do."""
    index = vault.blind_index("people_user.email", "Ada@Example.org")

    assert vault.blind_index("people_user.email", " ada@example.ORG ") == index
    assert vault.blind_indexes("people_user.email", "ADA@example.org") == (index,)
    assert vault.blind_index("people_user.email", "bob@example.org") != index
    assert vault.blind_index("other.email", "ada@example.org")[16:] != index[16:]
    assert len(index) == 48


def test_a_first_look_up_makes_the_key_of_the_index(db):
    """Who looks first finds nothing, and then finds what was written."""
    (looked,) = vault.blind_indexes("people_user.email", "ada@example.org")

    assert looked == vault.blind_index("people_user.email", "ada@example.org")


@given(st.text())
@example("\u017f")
@example("ͅ ")
@example("ﬀ\u00a0")
@example("İ")
def test_an_identifier_has_one_form(text):
    """To normalise twice changes nothing; nor does the case or a blank around it."""
    once = vault.normalise(text)

    assert vault.normalise(once) == once
    assert vault.normalise(f" {text}\t") == once
