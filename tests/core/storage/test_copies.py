"""Copies of the database: one instant, every row, in an order that can be filled in again."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from core.storage import copies, execute, insert

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
on_postgres = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)


def setting(name, value="1"):
    insert("settings_value", {"name": name, "value": value, "changed": 0})


@on_sqlite
def test_a_copy_of_sqlite_is_the_database_at_one_instant(db, tmp_path):
    """What is still in the write-ahead log is in the copy, and nothing lies beside it."""
    setting("a")
    copies.copy_sqlite(tmp_path / "obolo.db", tmp_path / "copy.db")
    setting("b")
    with copies.still(tmp_path / "copy.db") as copy:
        names = copy.execute("SELECT name FROM settings_value").fetchall()

    assert names == [("a",)]
    assert [path.name for path in tmp_path.glob("copy.db*")] == ["copy.db"]


@on_sqlite
def test_a_copy_cannot_be_written(db, tmp_path):
    """It is opened to be looked at."""
    copies.copy_sqlite(tmp_path / "obolo.db", tmp_path / "copy.db")
    with (
        copies.still(tmp_path / "copy.db") as copy,
        pytest.raises(sqlite3.OperationalError, match="readonly"),
    ):
        copy.execute("DELETE FROM settings_value")


@on_sqlite
def test_a_writer_does_not_wait_for_a_copy(db, tmp_path):
    """A reader of the old pages holds nobody up."""
    setting("a")
    with closing(sqlite3.connect(tmp_path / "obolo.db")) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM settings_value").fetchall()
        setting("b")
        copies.copy_sqlite(tmp_path / "obolo.db", tmp_path / "copy.db")
    with copies.still(tmp_path / "copy.db") as copy:
        assert copy.execute("SELECT COUNT(*) FROM settings_value").fetchone() == (2,)


@on_postgres
def test_a_snapshot_of_postgres_does_not_see_what_comes_later(db, tmp_path):
    """From its first question on."""
    setting("a", "tab\t line\n back\\slash \N{EURO SIGN}")
    with (
        copies.snapshot(db) as connection,
        (tmp_path / "rows").open("w+b") as file,
    ):
        found = copies.tables(lambda sql: connection.execute(sql).fetchall())
        setting("b")
        rows = copies.dump(connection, "settings_value", ["name", "value", "changed"], file)
        file.seek(0)
        execute("DELETE FROM settings_value")
        filled = copies.fill("settings_value", ["name", "value", "changed"], file)

    assert (rows, filled) == (1, 1)
    assert {"settings_value", "ledger_entry", "core_migrations"} <= set(found)
    assert execute("SELECT name, value FROM settings_value").fetchall() == [
        ("a", "tab\t line\n back\\slash \N{EURO SIGN}")
    ]


@on_postgres
def test_what_a_migration_put_into_a_table_is_replaced(db, tmp_path):
    """A row that is there twice would not fit."""
    setting("a", "old")
    with (
        copies.snapshot(db) as connection,
        (tmp_path / "rows").open("w+b") as file,
    ):
        copies.dump(connection, "settings_value", ["name", "value", "changed"], file)
        file.seek(0)
        copies.fill("settings_value", ["name", "value", "changed"], file)

    assert execute("SELECT COUNT(*) FROM settings_value").fetchone()[0] == 1


@on_postgres
def test_a_column_that_is_not_there_is_named(db, tmp_path):
    """A table of another version does not fit."""
    (tmp_path / "rows").write_bytes(b"")
    with (
        (tmp_path / "rows").open("rb") as file,
        pytest.raises(copies.WrongTable, match="settings_value has no column colour"),
    ):
        copies.fill("settings_value", ["name", "colour"], file)


@on_postgres
def test_tables_come_after_those_to_which_they_refer(db):
    """So that every reference finds its row."""
    ordered = copies.in_order(copies.tables(copies.ask_here))

    for first, then in (
        ("orders_order", "orders_line"),
        ("orders_order", "payments_payment"),
        ("payments_payment", "payments_refund"),
        ("ledger_entry", "ledger_leg"),
    ):
        assert ordered.index(first) < ordered.index(then)


@on_postgres
def test_tables_that_refer_to_each_other_are_refused(db):
    """By name, instead of failing at one of them."""
    execute("CREATE TABLE note_a (id INT PRIMARY KEY, other INT)")
    execute("CREATE TABLE note_b (id INT PRIMARY KEY, other INT REFERENCES note_a (id))")
    execute("ALTER TABLE note_a ADD FOREIGN KEY (other) REFERENCES note_b (id)")
    try:
        with pytest.raises(copies.WrongTable, match="note_a, note_b"):
            copies.in_order(["ledger_entry", "note_a", "note_b"])
    finally:
        execute("DROP TABLE note_a, note_b CASCADE")
