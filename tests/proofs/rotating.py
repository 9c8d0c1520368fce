"""Who reads, writes and rotates at the same time, each in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import random
import time
from pathlib import Path
from typing import Any

from core import storage
from core.errors import OboloError
from core.storage import execute, insert, is_postgres, keys, rotation, transaction, vault

TABLE, EMAIL = "proof_person", "proof_person.email"
GRACE = 1.6
PAUSE = 0.001 if int(os.environ.get("OBOLO_PROOF_FACTOR", "1")) > 1 else 0.008
"""Seconds between two readings: among other tests they leave the processor to others."""


def make_table() -> None:
    kind = "BYTEA" if is_postgres() else "BLOB"
    execute(
        f"CREATE TABLE {TABLE} (id TEXT PRIMARY KEY, email {kind}, email_index {kind}, note {kind})"
    )


def subject_of(id: str) -> str:
    return f"person:{int(id) % 50}"


def values(id: str, version: int) -> dict[str, bytes]:
    email = f"{id}.{version}@site.example"
    place = {"table": TABLE, "row": id}
    return {
        "email": vault.seal(email, column="email", subject=subject_of(id), **place),
        "email_index": vault.blind_index(EMAIL, email),
        "note": vault.seal(email, column="note", subject="shop:mail", **place),
    }


def add(id: str) -> None:
    insert(TABLE, {"id": id, **values(id, 0)})


def email_of(id: str) -> str:
    ((cell,),) = execute(f"SELECT email FROM {TABLE} WHERE id = ?", [id]).fetchall()
    return vault.unseal(cell, table=TABLE, column="email", row=id)


def note_of(id: str) -> str:
    ((cell,),) = execute(f"SELECT note FROM {TABLE} WHERE id = ?", [id]).fetchall()
    return vault.unseal(cell, table=TABLE, column="note", row=id)


def holders_of(email: str) -> list[str]:
    indexes = vault.blind_indexes(EMAIL, email)
    marks = ", ".join("?" * len(indexes))
    sql = f"SELECT id FROM {TABLE} WHERE email_index IN ({marks})"
    return [row[0] for row in execute(sql, indexes).fetchall()]


def join(url: str, folder: Path) -> None:
    storage.connect(url)
    keys.open_keys(folder)


def read(url: str, folder: Path, rows: int, out: Path) -> None:
    """Read and look up until `stop` is there; write down how often, and every failure."""
    join(url, folder)
    chance, done, failed = random.Random(os.getpid()), 0, []
    while not (out / "stop").exists():
        id = str(chance.randrange(rows))
        try:
            email, note = email_of(id), note_of(id)
            assert email.startswith(f"{id}.")
            assert note.startswith(f"{id}.")
            if id not in holders_of(email) and email_of(id) == email:
                failed.append(f"{id}: not found by {email}")
        except (OboloError, AssertionError) as error:
            failed.append(f"{id}: {type(error).__name__}: {error}")
        done += 1
        time.sleep(PAUSE)
    (out / "read.json").write_text(json.dumps([done, failed]))


def write(url: str, folder: Path, rows: int, out: Path) -> None:
    """Write rows and add new ones until `stop` is there; write down what was acknowledged."""
    join(url, folder)
    chance, stored = random.Random(os.getpid()), {str(id): 0 for id in range(rows)}
    while not (out / "stop").exists():
        id = str(chance.randrange(rows))
        new = values(id, stored[id] + 1)
        execute(
            f"UPDATE {TABLE} SET email = ?, email_index = ?, note = ? WHERE id = ?",
            [*new.values(), id],
        )
        stored[id] += 1
        if chance.random() < 0.05:
            added = str(len(stored))
            with transaction():
                add(added)
            stored[added] = 0
        time.sleep(2 * PAUSE)
    (out / "write.json").write_text(json.dumps(stored))


def rotate_all() -> None:
    """Change every key once."""
    for work in (
        rotation.rotate_kek(),
        rotation.rotate_dek("person", grace=GRACE),
        rotation.rotate_dek("shop:mail", grace=GRACE),
        rotation.rotate_index(EMAIL, grace=GRACE),
    ):
        for _ in work:
            pass


def rotate(url: str, folder: Path, _rows: int, _out: Path) -> None:
    """Rotate all keys again and again, until killed."""
    join(url, folder)
    while True:
        rotate_all()


def rotate_weakly(url: str, folder: Path, _rows: int, out: Path) -> None:
    """Destroy the old keys first, and seal anew what can still be read."""
    join(url, folder)
    destroyed: list[Any] = [keys.WRAPPED_BYTES * b"\0"]
    with transaction():
        old = execute(
            "SELECT id, subject FROM keys_key WHERE purpose = 'cell' AND state = 'active'"
        ).fetchall()
        execute(
            "UPDATE keys_key SET state = 'destroyed', wrapped = ? WHERE purpose = 'cell'", destroyed
        )
        for _, subject in old:
            keys.add(subject, "cell", "active")
        keys.changed()
    with contextlib.suppress(rotation.Unfinished):
        for _ in rotation.rotate_dek("person", grace=GRACE):
            pass
    (out / "rotated").touch()
