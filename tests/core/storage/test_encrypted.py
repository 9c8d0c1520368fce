"""A sealed column: plain text to its author, a cell to everybody else."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

import pytest
from peewee import AutoField, CompositeKey, DatabaseError, TextField

from core.storage import Model, execute, keys, new_id, rotation, transaction
from core.storage.encrypted import EncryptedText, Sealed, SealedColumn
from core.storage.keys import Shredded
from core.storage.vault import Unreadable


class Note(Model):
    id = TextField(primary_key=True, default=partial(new_id, "note"))
    holder = TextField()
    title = TextField(default="")
    body = EncryptedText(subject="holder", null=True)
    hint = EncryptedText(shop="settings", null=True)

    class Meta:
        table_name = "test_note"


@pytest.fixture(autouse=True)
def table(db):
    Note.create_table()
    yield
    Note.drop_table()


def stored(note):
    ((cell,),) = execute("SELECT body FROM test_note WHERE id = ?", [note.id]).fetchall()
    return cell if cell is None else bytes(cell)


def test_plain_text_goes_in_and_comes_out(db):
    """The author sees no encryption."""
    note = Note.create(holder="usr_1", body="my secret", hint="of the shop")
    found = Note.get_by_id(note.id)

    assert (found.body, found.hint) == ("my secret", "of the shop")
    assert (note.body, note.hint) == ("my secret", "of the shop")
    found.body = "another"
    found.save()
    assert Note.get_by_id(note.id).body == "another"


def test_everything_but_the_attribute_holds_cells(db):
    """The database, a dump and a repr show nothing."""
    note = Note(holder="usr_1", body="my secret")
    assert "my secret" not in repr(vars(note))
    note.save(force_insert=True)
    found = Note.get_by_id(note.id)

    for shown in (stored(note), found.__data__["body"], note.__data__["body"]):
        assert shown[:2] == b"\x01\x01"
        assert b"my secret" not in shown
    shown = [vars(note), vars(found), *Note.select().dicts(), *Note.select(Note.body).tuples()]
    assert "my secret" not in repr(shown)


def test_nothing_stays_nothing(db):
    """NULL is stored as NULL; an empty text is a text."""
    note = Note.create(holder="usr_1", body="")
    assert Note.get_by_id(note.id).body == ""
    note.body = None
    note.save()

    assert stored(note) is None
    assert Note.get_by_id(note.id).body is None
    assert Note.select().where(Note.body.is_null()).count() == 1


def test_a_text_is_sealed_by_the_holders_key(db):
    """Who erases the person erases the text; others stay."""
    gone, kept = (Note.create(holder=holder, body="x", hint="y") for holder in ("usr_1", "usr_2"))
    keys.shred("person:usr_1")

    with pytest.raises(Shredded):
        _ = Note.get_by_id(gone.id).body
    assert Note.get_by_id(gone.id).hint == "y"
    assert Note.get_by_id(kept.id).body == "x"


def test_a_cell_that_was_moved_is_not_read(db):
    """A row that somebody copied by SQL does not open."""
    one, two = (Note.create(holder="usr_1", body=text) for text in ("one", "two"))
    execute("UPDATE test_note SET body = ? WHERE id = ?", [stored(one), two.id])

    with pytest.raises(Unreadable):
        _ = Note.get_by_id(two.id).body


BULK = {
    "update": lambda: Note.update(body="x").execute(),
    "update of bytes": lambda: Note.update(body=b"\x01\x01x").execute(),
    "insert": lambda: Note.insert(holder="usr_1", body="x").execute(),
    "insert_many": lambda: Note.insert_many([{"holder": "usr_1", "body": "x"}]).execute(),
    "bulk_create": lambda: Note.bulk_create([Note(holder="usr_1", body="x")]),
    "bulk_update": lambda: Note.bulk_update([Note.create(holder="usr_1", body="x")], ["body"]),
    "replace": lambda: Note.replace(holder="usr_1", body="x").execute(),
    "equal": lambda: list(Note.select().where(Note.body == "x")),
    "unequal": lambda: list(Note.select().where(Note.body != "x")),
    "greater": lambda: list(Note.select().where(Note.body > "x")),
    "in": lambda: list(Note.select().where(Note.body.in_(["x"]))),
    "contains": lambda: list(Note.select().where(Note.body.contains("x"))),
    "startswith": lambda: list(Note.select().where(Note.body.startswith("x"))),
    "between": lambda: list(Note.select().where(Note.body.between("a", "x"))),
    "get_or_none": lambda: Note.get_or_none(body="x"),
}


@pytest.mark.parametrize("how", BULK)
def test_what_does_not_know_the_row_is_refused(db, how):
    """It would store plain text, or find nothing and say nothing."""
    with pytest.raises(SealedColumn, match="“body” of Note is sealed"):
        BULK[how]()


def test_a_new_holder_gets_the_text_sealed_anew(db):
    """The former one's key opens nothing of it."""
    note = Note.create(holder="gst_1", body="x")
    note = Note.get_by_id(note.id)
    note.holder = "usr_1"
    note.save()
    keys.shred("person:gst_1")

    assert Note.get_by_id(note.id).body == "x"


def test_a_copy_under_another_id_must_be_set_anew(db):
    """Nothing is stored that could not be read."""
    note = Note.get_by_id(Note.create(holder="usr_1", body="x").id)
    body, note.id = note.body, "note_other"
    with pytest.raises(SealedColumn, match="sealed for another id"):
        note.save(force_insert=True)
    note.body = body
    note.save(force_insert=True)

    assert Note.get_by_id("note_other").body == "x"


def test_a_row_saved_without_change_writes_no_old_cell(db):
    """A cell that was sealed anew meanwhile stays as it is."""
    note = Note.get_by_id(Note.create(holder="usr_1", body="old").id)
    newer = Note.get_by_id(note.id)
    newer.body = "new"
    newer.save()
    note.title = "changed"
    note.save()

    found = Note.get_by_id(note.id)
    assert (found.body, found.title) == ("new", "changed")


def test_a_rotation_finds_the_column_by_itself(db):
    """Though no manifest names it: a plugin that is off keeps its texts."""
    note = Note.create(holder="usr_1", body="x", hint="y")
    before = stored(note)

    assert sum(rotation.rotate_dek("person", grace=1.1)) == 1
    assert stored(note) != before
    assert Note.get_by_id(note.id).body == "x"


def test_only_what_was_asked_for_is_saved(db):
    """`only` counts as it does without sealed columns."""
    note = Note.create(holder="usr_1", body="x", title="a")
    note.title, note.body = "b", "y"
    note.save(only=[Note.title])

    found = Note.get_by_id(note.id)
    assert (found.title, found.body) == ("b", "x")
    note.save()
    assert Note.get_by_id(note.id).body == "y"


def test_a_text_outlives_the_transaction_that_failed(db):
    """Its key went with the transaction; the next save seals it by one that is stored."""
    note = Note(holder="usr_new", body="x")
    with suppress(ZeroDivisionError), transaction():
        note.save(force_insert=True)
        _ = 1 / 0
    note.save(force_insert=True)

    assert Note.get_by_id(note.id).body == "x"


def test_a_transaction_reads_what_it_wrote(db):
    """Before and after the commit."""
    with transaction():
        note = Note.create(holder="usr_1", body="x")
        assert Note.get_by_id(note.id).body == note.body == "x"

    assert Note.get_by_id(note.id).body == note.body == "x"
    assert isinstance(note.__data__["body"], Sealed)


def test_a_holder_must_be_known(db):
    """A text of nobody could not be erased."""
    with pytest.raises(SealedColumn, match="needs “holder”"):
        Note.create(holder="", body="x")


def test_only_a_text_can_be_set(db):
    """A number or plain bytes are no text."""
    for wrong in (1, b"x", ["x"]):
        with pytest.raises(SealedColumn, match="takes a text"):
            Note(holder="usr_1", body=wrong)


def test_a_row_read_without_its_id_cannot_be_opened(db):
    """The message says what is missing."""
    Note.create(holder="usr_1", body="x")

    with pytest.raises(SealedColumn, match="primary key"):
        _ = Note.select(Note.body).get().body


@pytest.mark.parametrize("kind", ["auto", "composite"])
def test_the_id_is_made_before_the_row_is_saved(db, kind):
    """A number that the database gives comes too late to bind the text to it."""

    class Counted(Model):
        id = AutoField() if kind == "auto" else TextField(default="a")
        holder = TextField()
        body = EncryptedText(subject="holder")

        if kind == "composite":

            class Meta:
                primary_key = CompositeKey("id", "holder")

    with suppress(DatabaseError), pytest.raises(SealedColumn, match="primary key"):
        Counted.create(holder="usr_1", body="x")


@pytest.mark.parametrize(
    "options",
    [{}, {"subject": "a", "shop": "b"}, *({"shop": "a", name: True} for name in
     ("default", "index", "unique", "primary_key"))],
    ids=str,
)  # fmt: skip
def test_a_column_is_declared_in_one_way(options):
    """A subject or the shop, and nothing that would need the plain text."""
    with pytest.raises(ValueError, match=r"either|can have no"):
        EncryptedText(**options)
