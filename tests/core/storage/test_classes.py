"""Classes of columns: each has one, and what is personal or secret is sealed."""

from __future__ import annotations

import pytest

from core.storage import execute, is_postgres
from core.storage.classes import Column, Columns, binary_columns, core_classes, faults


@pytest.fixture
def table(db):
    kind = "BYTEA" if is_postgres() else "BLOB"
    execute(
        f"CREATE TABLE jar_coin (id TEXT, side TEXT, name TEXT, words {kind}, "
        "PRIMARY KEY (id, side))"
    )
    yield
    execute("DROP TABLE jar_coin")


GOOD = {"public": ("id", "side"), "personal": ("name", "words"), "clear": {"name": "is searched"}}


def told(**changes):
    return list(faults({"jar_coin": Columns(**GOOD | changes)}, ("jar_",)))


def test_a_table_whose_columns_all_have_a_class_is_right(table):
    """What is clear has its reason, the rest is sealed."""
    assert told() == []


def test_a_column_without_a_class_is_named(table):
    """Nothing is left out."""
    assert told(public=("id",)) == ["jar_coin.side has no class: public, personal or secret"]
    assert len(list(faults({}, ("jar_",)))) == 4


def test_a_class_without_a_column_is_named(table):
    """A column or a table that went takes its class along."""
    assert told(secret=("seed",)) == ["jar_coin.seed has a class, but there is no such column"]
    gone = list(faults({"jar_lid": Columns(public=("id",))}, ("jar_lid",)))
    assert gone == ["jar_lid.id has a class, but there is no such column"]


def test_what_is_personal_must_be_sealed_or_have_a_reason(table):
    """Text in the clear is told."""
    assert told(clear={}) == ["jar_coin.name is personal or secret and is not sealed"]


def test_one_column_has_one_class(table):
    """And what is public needs no reason."""
    assert told(secret=("id",), clear={"name": "x", "id": "x"}) == ["jar_coin.id has two classes"]
    assert told(clear={"name": "x", "side": "x"}) == ["jar_coin.side needs no reason to be clear"]


def test_binary_columns_are_found_with_their_key(table):
    """A row is named by all columns of its key, in the table's order."""
    assert Column("jar_coin", "words", ("id", "side")) in binary_columns()
    assert Column("mail_message", "body", ("id",)) in binary_columns()


def test_core_seals_what_it_says(db):
    """The classes name the columns that are sealed today."""
    sealed = {(table, name) for table, one in core_classes().items() for name in one.sealed}

    assert {
        ("mail_message", "recipient"),
        ("mail_message", "subject"),
        ("mail_message", "body"),
        ("orders_answer", "answer"),
        ("settings_value", "sealed"),
    } <= sealed
