"""New keys for old while the site runs. Every step can be killed and run again.

What is still to do follows from the keys' states and from the key that each cell names, so nothing
else has to be remembered. A key is destroyed only when no cell has used it for a while.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from core.clock import now
from core.config import make_kek
from core.errors import OboloError
from core.storage import keys, vault
from core.storage.cells import cells, find, key_ids, used_keys
from core.storage.classes import Column
from core.storage.database import (
    execute,
    execute_many,
    insert,
    is_postgres,
    lock_name,
    micros,
    on_row_lock,
    transaction,
)

BATCH = 500
GRACE_SECONDS = 3.0
"""How long after a change of keys every process is sure to know it: the cache, and some more."""
MOST_PASSES = 20
LONGEST_WAIT_SECONDS = 60
Remake = Callable[[Column, tuple[Any, ...], bytes], bytes]


class Unfinished(OboloError):
    """Some cells could not be sealed anew, so their old keys stay; nothing is lost."""


def rotate_kek() -> Iterator[int]:
    """Wrap all data keys by a new key-encryption key; yield how many after each batch.

    The former file stays where it is: older backups need it. Until the end both are needed.
    """
    _switch_kek()
    while True:
        with transaction():
            newest = keys.current_kek()
            rows = execute(
                "SELECT id, kek, subject, purpose, wrapped FROM keys_key WHERE kek <> ? "
                f"AND state <> 'destroyed' ORDER BY id LIMIT {BATCH}{on_row_lock()}",
                [newest],
            ).fetchall()
            made = []
            for id, kek, subject, purpose, wrapped in rows:
                found = keys.unwrap(bytes(id), kek, subject, purpose, bytes(wrapped))
                made.append((newest, keys.wrap(found, newest, subject, purpose), id))
            if made:
                execute_many("UPDATE keys_key SET kek = ?, wrapped = ? WHERE id = ?", made)
        if not rows:
            keys.scrub()
            return
        yield len(rows)


def _switch_kek() -> None:
    """Let a new key-encryption key wrap from now on, unless a rotation is still under way."""
    with transaction():
        execute(f"SELECT 1 FROM keys_site WHERE name = 'kek'{on_row_lock()}")
        current = keys.current_kek()
        left = execute(
            "SELECT 1 FROM keys_key WHERE kek <> ? AND state <> 'destroyed' LIMIT 1", [current]
        ).fetchone()
        if left is None:
            made = make_kek(keys.key_folder()).stem.removeprefix("kek-")
            keys.wrap_by(made)


def rotate_dek(subjects: str, *, grace: float = GRACE_SECONDS) -> Iterator[int]:
    """Seal all cells of a class by new keys; yield how many after each batch.

    `subjects` is `person`, for all of them, or one of the shop's own such as `shop:mail`. Raises
    Unfinished when cells are damaged.
    """
    pattern = "person:%" if subjects == "person" else subjects
    name = f"dek:{subjects}"
    insert("keys_rotation", {"name": name, "started": micros(now())}, ignore=True)
    ((started,),) = execute("SELECT started FROM keys_rotation WHERE name = ?", [name]).fetchall()
    while _replace_some(pattern, started):
        pass
    since = _wait(grace)
    old = _old_keys(pattern, vault.CELL)

    def remake(column: Column, row: tuple[Any, ...], cell: bytes) -> bytes:
        place = {"table": column.table, "column": column.name, "row": vault.row_name(*row)}
        text = vault.unseal(cell, **place)
        return vault.seal(text, subject=old[vault.key_id_of(cell)], **place)

    yield from _remake_all(old, vault.KEY_AT, remake)
    _retire(old, vault.KEY_AT, grace, since)
    execute("DELETE FROM keys_rotation WHERE name = ?", [name])


def _replace_some(pattern: str, started: int) -> bool:
    """Give some subjects a new active key; the former only opens from now on."""
    with transaction():
        rows = execute(
            "SELECT id, subject FROM keys_key WHERE state = 'active' AND purpose = ? "
            f"AND subject LIKE ? AND created < ? ORDER BY id LIMIT {BATCH}",
            [vault.CELL, pattern, started],
        ).fetchall()
        for id, subject in sorted(rows, key=lambda row: str(row[1])):
            lock_name(f"keys:{subject}")
            sql = "UPDATE keys_key SET state = 'decrypt-only' WHERE id = ? AND state = 'active'"
            if execute(sql, [id]).rowcount:
                keys.add(subject, vault.CELL, "active")
        if rows:
            keys.changed()
    return bool(rows)


def rotate_index(column: str, *, grace: float = GRACE_SECONDS) -> Iterator[int]:
    """Make a blind index anew by a new key, from the sealed texts beside it; yield how many.

    The new key is looked up everywhere before anything is written by it, so no look-up misses.
    Raises Unfinished.
    """
    with transaction():
        lock_name(f"keys:{vault.INDEX}")
        states = {
            state: bytes(id)
            for id, state in execute(
                "SELECT id, state FROM keys_key WHERE subject = ? AND purpose = ? "
                "AND state <> 'destroyed'",
                [vault.INDEX, column],
            ).fetchall()
        }
        if "active" not in states:
            return
        if "decrypt-only" not in states and "next" not in states:
            states["next"] = keys.add(vault.INDEX, column, "next").id
            keys.changed()
    if "next" in states:
        _wait(grace)
        with transaction():
            lock_name(f"keys:{vault.INDEX}")
            for before, after in (("active", "decrypt-only"), ("next", "active")):
                execute(
                    "UPDATE keys_key SET state = ? WHERE id = ? AND state = ?",
                    [after, states[before], before],
                )
            keys.changed()
    since = _wait(grace)
    old = _old_keys(vault.INDEX, column)

    def remake(place: Column, row: tuple[Any, ...], _index: bytes) -> bytes:
        sealed = place.name.removesuffix("_index")
        (cell,) = find(Column(place.table, sealed, place.key), row)
        text = vault.unseal(cell or b"", table=place.table, column=sealed, row=vault.row_name(*row))
        return vault.blind_index(column, text)

    yield from _remake_all(old, 0, remake)
    _retire(old, 0, grace, since)


def _old_keys(pattern: str, purpose: str) -> dict[bytes, str]:
    rows = execute(
        "SELECT id, subject FROM keys_key WHERE state = 'decrypt-only' AND purpose = ? "
        "AND subject LIKE ?",
        [purpose, pattern],
    ).fetchall()
    return {bytes(id): subject for id, subject in rows}


def _remake_all(old: Mapping[bytes, str], at: int, remake: Remake) -> Iterator[int]:
    """Walk through all cells that name an old key, until none is left or none can be changed."""
    for _ in range(MOST_PASSES):
        done = 0
        for column in used_keys(old, at):
            where = " AND ".join(f'"{name}" = ?' for name in (*column.key, column.name))
            sql = f'UPDATE "{column.table}" SET "{column.name}" = ? WHERE {where}'
            for rows in cells(column, old, at, BATCH):
                made = [one for row, cell in rows for one in _remade(column, row, cell, remake)]
                if not made:
                    continue
                with transaction():
                    changed = execute_many(sql, made)  # who wrote meanwhile has another cell
                done += changed
                yield changed
        if not done:
            return


def _remade(
    column: Column, row: tuple[Any, ...], cell: bytes, remake: Remake
) -> Iterator[tuple[Any, ...]]:
    """Yield what a cell becomes, where it stands and what it was, unless it cannot be read."""
    with suppress(vault.Unreadable, keys.Shredded):
        yield remake(column, row, cell), *row, cell


def _wait(grace: float) -> float:
    """Wait until every process knows the new keys; return the database's time then."""
    time.sleep(grace)
    if not is_postgres():
        with transaction():  # whoever wrote before has committed by now
            return 0.0
    return float(execute("SELECT extract(epoch FROM clock_timestamp())").fetchone()[0])


def _retire(old: Mapping[bytes, str], at: int, grace: float, since: float) -> None:
    """Destroy the old keys that no cell names any more. Raises Unfinished if one is left."""
    end = time.monotonic() + LONGEST_WAIT_SECONDS
    while _writing_since(since):
        if time.monotonic() > end:
            raise Unfinished("A transaction is open for too long; run the same command again.")
        time.sleep(0.1)
    _wait(grace)  # who has read a cell that was changed just now opens it within this time
    used = {id for column in used_keys(old, at) for id in key_ids(column, old, at)}
    stay = 0
    with transaction():
        for id in sorted(old):
            sql = "SELECT 1 FROM keys_key WHERE id = ? AND state = 'decrypt-only'"
            if id in used:
                stay += execute(sql, [id]).fetchone() is not None
                continue
            execute(
                "UPDATE keys_key SET state = 'destroyed', destroyed = ?, wrapped = ? "
                "WHERE id = ? AND state = 'decrypt-only'",
                [micros(now()), bytes(keys.WRAPPED_BYTES), id],
            )
        keys.changed()
    keys.scrub()
    if stay:
        raise Unfinished(
            f"Old keys that stay, because a cell that cannot be read names them: {stay}. "
            "`obolo keys verify` lists the cells."
        )


def _writing_since(since: float) -> bool:
    """Tell whether a transaction from before that time may still write by a former key."""
    if not is_postgres():
        return False
    row = execute(
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() "
        "AND backend_type = 'client backend' AND pid <> pg_backend_pid() "
        "AND xact_start < to_timestamp(?) LIMIT 1",
        [since],
    ).fetchone()
    return row is not None
