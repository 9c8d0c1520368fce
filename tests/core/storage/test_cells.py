"""Where cells are, which keys they name, and whether they can be read."""

from __future__ import annotations

import json

from core import mail
from core.storage import cells, execute, keys


def send(holder=""):
    return mail.send("x@site.example", "Ciao", "Testo", "it", holder=holder)


def faults():
    return [fault for _, told in cells.verify() for fault in told]


def test_all_cells_can_be_read(db):
    """Every one is looked at."""
    for _ in range(3):
        send()

    assert cells.count_sealed() == 9
    assert sum(number for number, _ in cells.verify()) == 9
    assert faults() == []


def test_a_cell_that_was_changed_is_named(db):
    """With its place, and nothing of what stood there."""
    one, two = send(), send()
    execute("UPDATE mail_message SET body = (SELECT body FROM mail_message WHERE id = ?) "
            "WHERE id = ?", [one, two])  # fmt: skip
    execute("UPDATE mail_message SET subject = ? WHERE id = ?", [b"plain", one])

    assert set(faults()) == {
        f"mail_message.body of {two} cannot be read",
        f"mail_message.subject of {one} cannot be read",
    }


def test_what_was_shredded_is_no_fault(db):
    """It was meant to be gone."""
    send(holder="usr_1")
    keys.shred("person:usr_1")

    assert faults() == []


def test_a_key_that_was_changed_is_named(db, keys_folder):
    """And so is every cell that it sealed."""
    send()
    execute("UPDATE keys_key SET purpose = 'other'")
    keys.open_keys(keys_folder)

    assert len(faults()) == 4
    assert faults()[0].startswith("key ")


def test_many_rows_are_walked_through_in_batches(db):
    """Each once, by a key of one column or of several."""
    for number in range(7):
        send()
        execute("INSERT INTO orders_order SELECT ?, '', 'open', 'live', 'EUR', 0, '', '', 0, 0, ''",
                [f"o{number}"])  # fmt: skip
        for key in "ab":
            execute("INSERT INTO orders_answer VALUES (?, ?, '', ?, 0)",
                    [f"o{number}", key, bytes(100)])  # fmt: skip
    for column in cells.walkable():
        seen = [row for rows in cells.walk(column, 3) for row, _ in rows]
        wanted = {"mail_message": 7, "orders_answer": 14}.get(column.table, 0)
        assert len(seen) == len(set(seen)) == wanted, column


def test_the_status_counts_what_each_key_sealed(db):
    """Ages, budget and the share of the newest keys; no secret is in it."""
    send()
    send(holder="usr_1")
    found = cells.status()

    assert found["classes"]["shop:mail"]["cells"] == 3
    assert found["classes"]["person"] == {
        "keys": 1, "cells": 3, "oldest_days": 0, "share_on_newest": 1.0,
    }  # fmt: skip
    (one,) = [key for key in found["keys"] if key["subject"] == "shop:mail"]
    assert one["budget"] == 3 / 2**32
    assert [(kek["current"], kek["keys"]) for kek in found["keks"]] == [(True, 2)]
    assert keys.key(bytes.fromhex(one["id"])).secret.hex() not in json.dumps(found)
