"""Where the cells are, which keys they name, and whether all of them can be read."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from core.clock import now
from core.errors import OboloError
from core.storage import keys, vault
from core.storage.classes import Column, binary_columns, sealed_columns
from core.storage.database import execute, instant

BATCH = 500
MOST_MARKS = 500
NONCES = 2**32
"""How many texts one key may seal with random nonces: NIST SP 800-38D, 8.3."""
Row = tuple[Any, ...]


def walkable() -> list[Column]:
    """Return the binary columns whose rows can be named; the keys' own tables hold no cells."""
    return [
        column
        for column in binary_columns()
        if column.key and column.name not in column.key and not column.table.startswith("keys_")
    ]


def used_keys(ids: Collection[bytes], at: int) -> list[Column]:
    """Return the columns in which one of these key ids stands at this offset."""
    return [column for column in walkable() if key_ids(column, ids, at)]


def key_ids(column: Column, ids: Collection[bytes], at: int) -> set[bytes]:
    """Return which of these keys the cells of a column name."""
    return {id for id, _ in counted(column, at)} & set(ids)


def counted(column: Column, at: int) -> list[tuple[bytes, int]]:
    """Return the key ids that the cells of a column name, with the number of cells."""
    named = _key_of(column, at)
    rows = execute(
        f'SELECT {named}, COUNT(*) FROM "{column.table}" WHERE "{column.name}" IS NOT NULL '
        f"GROUP BY {named}"
    ).fetchall()
    return [(bytes(id), int(number)) for id, number in rows]


def cells(
    column: Column, ids: Collection[bytes], at: int, batch: int
) -> Iterator[list[tuple[Row, bytes]]]:
    """Walk in the order of the primary key through the cells that name one of these keys."""
    wanted = set(ids)
    for rows in walk(column, batch):
        found = [(row, cell) for row, cell in rows if cell[at : at + keys.ID_BYTES] in wanted]
        if found:
            yield found


def walk(column: Column, batch: int = BATCH) -> Iterator[list[tuple[Row, bytes]]]:
    """Walk through all cells of a column, in the order of the primary key."""
    names = ", ".join(f'"{name}"' for name in column.key)
    marks = ", ".join("?" * len(column.key))
    after: Row = ()
    while True:
        since = f"({names}) > ({marks}) AND " if after else ""
        rows = execute(
            f'SELECT {names}, "{column.name}" FROM "{column.table}" '
            f'WHERE {since}"{column.name}" IS NOT NULL ORDER BY {names} LIMIT {batch}',
            after,
        ).fetchall()
        if not rows:
            return
        yield [(tuple(row[:-1]), bytes(row[-1])) for row in rows]
        after = tuple(rows[-1][:-1])


def find(column: Column, row: Row) -> Row:
    """Return what stands in one cell."""
    where = " AND ".join(f'"{name}" = ?' for name in column.key)
    sql = f'SELECT "{column.name}" FROM "{column.table}" WHERE {where}'
    found: Row = execute(sql, row).fetchone() or (b"",)
    return found


def count_sealed() -> int:
    """Return how many cells `verify` will look at."""
    return sum(number for column in sealed_columns() for _, number in counted(column, 0))


def verify() -> Iterator[tuple[int, list[str]]]:
    """Open every key and every cell; yield after each batch how many, and what cannot be read.

    What was shredded is no fault. A fault names place and row, and nothing of what stood there.
    """
    yield 0, list(_damaged_keys())
    for column in sealed_columns():
        for rows in walk(column):
            told = [
                f"{column.table}.{column.name} of {vault.row_name(*row)} cannot be read"
                for row, cell in rows
                if not _opens(column, row, cell)
            ]
            yield len(rows), told


def _damaged_keys() -> Iterator[str]:
    for (id,) in execute("SELECT id FROM keys_key WHERE state <> 'destroyed'").fetchall():
        try:
            keys.key(bytes(id))
        except OboloError as error:
            yield f"key {bytes(id).hex()}: {error}"


def _opens(column: Column, row: Row, cell: bytes) -> bool:
    try:
        vault.unseal(cell, table=column.table, column=column.name, row=vault.row_name(*row))
    except keys.Shredded:
        return True
    except OboloError:
        return False
    return True


def status() -> dict[str, Any]:
    """Return the keys of the site with their ages and uses; no secret is in it.

    `cells` counts what stands in the database now; `budget` is its share of the texts that one
    key may seal. `share_on_newest` is the part of a class's cells that its active keys sealed.
    """
    used: dict[bytes, int] = {}
    for column in walkable():
        for at in (vault.KEY_AT, 0):
            for id, number in counted(column, at):
                used[id] = used.get(id, 0) + number
    rows = execute(
        "SELECT id, subject, purpose, state, kek, created FROM keys_key "
        "WHERE state <> 'destroyed' ORDER BY subject, purpose, created, id"
    ).fetchall()
    live = [_described(row, used.get(bytes(row[0]), 0)) for row in rows]
    current = keys.current_kek()
    return {
        "site": keys.site_id().hex(),
        "keks": [
            {"id": kek, "current": kek == current, "keys": sum(one["kek"] == kek for one in live)}
            for kek in keys.load_again()
        ],
        "classes": _classes(live),
        "keys": live,
        "shredded": execute("SELECT COUNT(*) FROM keys_shredded").fetchone()[0],
        "under_way": [row[0] for row in execute("SELECT name FROM keys_rotation").fetchall()],
    }


def _described(row: Row, number: int) -> dict[str, Any]:
    id, subject, purpose, state, kek, created = row
    made = instant(created)
    return {
        "id": bytes(id).hex(), "subject": subject, "purpose": purpose, "state": state, "kek": kek,
        "created": made.isoformat(), "age_days": (now() - made).days, "cells": number,
        "budget": number / NONCES,
    }  # fmt: skip


def _classes(live: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in live:
        name = "person" if one["subject"].startswith("person:") else one["subject"]
        kind = found.setdefault(name, {"keys": 0, "cells": 0, "on_newest": 0, "oldest_days": 0})
        kind["keys"] += 1
        kind["cells"] += one["cells"]
        kind["on_newest"] += one["cells"] if one["state"] == "active" else 0
        kind["oldest_days"] = max(kind["oldest_days"], one["age_days"])
    for kind in found.values():
        newest = kind.pop("on_newest")
        kind["share_on_newest"] = newest / kind["cells"] if kind["cells"] else 1.0
    return found


def _key_of(column: Column, at: int) -> str:
    return f'substr("{column.name}", {at + 1}, {keys.ID_BYTES})'
