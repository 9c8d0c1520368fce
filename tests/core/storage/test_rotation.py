"""New keys for old: what was sealed is read before, during and after."""

from __future__ import annotations

from functools import partial

import pytest

from core import mail, storage
from core.storage import cells, execute, insert, is_postgres, keys, rotation, transaction, vault
from core.storage.database import execute_many
from core.storage.rotation import Unfinished

GRACE = 0.0
"""Nobody else works on the database here; the proof of rotations has others, and waits for them."""


@pytest.fixture(autouse=True)
def people(db):
    kind = "BYTEA" if is_postgres() else "BLOB"
    execute(
        f"CREATE TABLE test_person (id TEXT PRIMARY KEY, email {kind}, email_index {kind} UNIQUE)"
    )
    yield
    execute("DROP TABLE test_person")


EMAIL = "test_person.email"
place = partial(dict, table="test_person", column="email")


def add(*ids):
    for id in ids:
        address = f"{id}@site.example"
        cell = vault.seal(address, subject=f"person:{id}", row=id, **place())
        insert("test_person", {
            "id": id, "email": cell, "email_index": vault.blind_index(EMAIL, address),
        })  # fmt: skip


def read(id):
    ((cell,),) = execute("SELECT email FROM test_person WHERE id = ?", [id]).fetchall()
    return vault.unseal(cell, row=id, **place())


def found(id):
    indexes = vault.blind_indexes(EMAIL, f"{id}@site.example")
    marks = ", ".join("?" * len(indexes))
    sql = f"SELECT id FROM test_person WHERE email_index IN ({marks})"
    return [row[0] for row in execute(sql, indexes)]


def states(subject):
    sql = "SELECT state FROM keys_key WHERE subject = ? ORDER BY state"
    return [row[0] for row in execute(sql, [subject])]


def test_all_keys_are_wrapped_anew(keys_folder):
    """The new file is enough from then on; a running process finds it by itself."""
    add("a", "b")
    keys.new_key("person:a", "file")
    (before,) = keys_folder.glob("kek-*.key")
    assert sum(rotation.rotate_kek()) == 4
    (after,) = set(keys_folder.glob("kek-*.key")) - {before}

    assert read("a") == "a@site.example"
    add("c")
    before.unlink()
    keys.open_keys(keys_folder)
    assert [read(id) for id in "abc"] == [f"{id}@site.example" for id in "abc"]
    assert {row[0] for row in execute("SELECT kek FROM keys_key")} == {after.stem[4:]}


def test_a_rotation_of_the_kek_that_was_cut_off_goes_on(keys_folder):
    """No third key is made; both files are needed until it has ended."""
    add("a", "b", "c")
    rotation._switch_kek()
    add("d")
    assert sum(rotation.rotate_kek()) == 4

    assert len(list(keys_folder.glob("kek-*.key"))) == 2
    assert len({row[0] for row in execute("SELECT kek FROM keys_key")}) == 1
    assert read("a") == "a@site.example"


def test_a_process_that_knows_only_the_old_file_reads_on(keys_folder):
    """It looks into the folder again when a key names a file that it has not read."""
    add("a")
    known = dict(keys._ring.keks)
    assert sum(rotation.rotate_kek()) == 2
    keys._ring.keks, keys._ring.kept = known, keys._Kept()

    assert read("a") == "a@site.example"


def test_cells_of_a_class_get_new_keys():
    """The old ones are destroyed, other classes stay as they are."""
    add("a", "b")
    mail.send("x@site.example", "Ciao", "Testo", "it")
    old = keys.key_for("person:a", "cell").id
    shop = keys.key_for("shop:mail", "cell").id
    done = sum(rotation.rotate_dek("person", grace=GRACE))

    assert done == 2
    assert (read("a"), read("b")) == ("a@site.example", "b@site.example")
    assert states("person:a") == ["active", "destroyed"]
    with pytest.raises(keys.Shredded):
        keys.key(old)
    assert keys.key_for("shop:mail", "cell").id == shop
    assert cells.status()["under_way"] == []
    add("c")
    assert read("c") == "c@site.example"


def test_a_class_of_the_shop_is_sealed_anew():
    """Tables with more than one column of cells, and keys of several columns, too."""
    for _ in range(3):
        mail.send("x@site.example", "Ciao", "Testo", "it")

    assert sum(rotation.rotate_dek("shop:mail", grace=GRACE)) == 9
    assert mail.deliver_due(storage.instant(2**52)) == 3


def test_who_writes_meanwhile_wins(monkeypatch):
    """What a writer put there after the cell was read is not replaced by the older text."""
    add("a")
    walk = cells.cells

    def interrupted(*given):
        for rows in walk(*given):
            newer = vault.seal("new@site.example", subject="person:a", row="a", **place())
            execute("UPDATE test_person SET email = ?", [newer])
            yield rows

    monkeypatch.setattr(rotation, "cells", interrupted)

    assert sum(rotation.rotate_dek("person", grace=GRACE)) == 0
    assert read("a") == "new@site.example"
    assert states("person:a") == ["active", "destroyed"]


def test_one_statement_for_many_rows_counts_them_all():
    """And changes only those that still are as they were."""
    insert("site_generation", [{"name": name, "number": 1} for name in "xyz"])
    sql = "UPDATE site_generation SET number = ? WHERE name = ? AND number = ?"

    assert execute_many(sql, [(2, "x", 1), (2, "y", 1), (2, "z", 7)]) == 2
    found = dict(execute("SELECT name, number FROM site_generation").fetchall())
    assert found == {"x": 2, "y": 2, "z": 1}


def test_a_rotation_that_was_cut_off_goes_on():
    """After the keys were made, and after some cells: the second run ends what the first began."""
    add(*"abcdef")
    work = rotation.rotate_dek("person", grace=GRACE)
    next(work)
    work.close()
    assert cells.status()["under_way"] == ["dek:person"]
    assert [read(id) for id in "abcdef"] == [f"{id}@site.example" for id in "abcdef"]
    list(rotation.rotate_dek("person", grace=GRACE))

    assert [read(id) for id in "abcdef"] == [f"{id}@site.example" for id in "abcdef"]
    assert states("person:a") == ["active", "destroyed"]


def test_a_key_stays_while_a_cell_that_cannot_be_read_names_it():
    """Nothing is given up in silence."""
    add("a", "b")
    ((cell,),) = execute("SELECT email FROM test_person WHERE id = 'a'").fetchall()
    execute("UPDATE test_person SET email = ? WHERE id = 'a'", [bytes(cell)[:-1] + b"x"])
    with pytest.raises(Unfinished, match=": 1"):
        list(rotation.rotate_dek("person", grace=GRACE))

    assert states("person:a") == ["active", "decrypt-only"]
    assert states("person:b") == ["active", "destroyed"]


def test_who_is_erased_meanwhile_stays_erased():
    """A rotation makes no key for them."""
    add("a", "b")
    keys.shred("person:a")
    list(rotation.rotate_dek("person", grace=GRACE))

    assert states("person:a") == ["destroyed"]
    assert read("b") == "b@site.example"


def test_an_index_is_made_anew():
    """Look-ups find the same rows, and only the new key is left."""
    add("a", "b")
    before = vault.blind_index(EMAIL, "a@site.example")
    assert sum(rotation.rotate_index(EMAIL, grace=GRACE)) == 2

    assert found("a") == ["a"]
    assert vault.blind_index(EMAIL, "a@site.example") != before
    assert len(vault.blind_indexes(EMAIL, "a@site.example")) == 1
    assert states(vault.INDEX) == ["active", "destroyed"]


@pytest.mark.parametrize("cut", ["announced", "written"])
def test_an_index_that_is_half_made_is_found(cut):
    """By either key; what was cut off goes on."""
    add("a", "b")
    work = rotation.rotate_index(EMAIL, grace=GRACE)
    if cut == "written":
        next(work)
        work.close()
    else:
        with transaction():
            keys.add(vault.INDEX, EMAIL, "next")
            keys.changed()
    assert len(vault.blind_indexes(EMAIL, "a@site.example")) == 2
    add("c")
    assert [found(id) for id in "abc"] == [["a"], ["b"], ["c"]]
    list(rotation.rotate_index(EMAIL, grace=GRACE))

    assert [found(id) for id in "abc"] == [["a"], ["b"], ["c"]]
    assert states(vault.INDEX) == ["active", "destroyed"]


def test_an_index_that_nobody_used_has_nothing_to_change():
    """No key, no work."""
    assert list(rotation.rotate_index(EMAIL, grace=GRACE)) == []
