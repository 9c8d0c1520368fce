"""Files of the site: sealed on the disk, each under a key of its own, named by rows.

A file lies in `files/<2 hex>/<id>`, as `segments` describes it; a row of `files_file` makes it
count. What has no row after a day is swept away.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from core.clock import now
from core.errors import BadInput, NotFound, OboloError
from core.storage import keys, segments, vault
from core.storage.database import (
    after_commit,
    execute,
    in_transaction,
    insert,
    micros,
    new_id,
    transaction,
)

PURPOSE = "file"
NOBODY = "shop:files"
"""The subject of a file that is about no person."""
DRAFT = ".draft"
MIMETYPE = re.compile(r"[a-z]+/[a-z0-9][a-z0-9!#$&^_.+-]*")
COLUMNS = "id, key_id, mimetype, name, size, version"
BATCH = 500


class _Place:
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of the site. `size` is that of the plain file, in bytes."""

    id: str
    name: str
    mimetype: str
    size: int
    version: int
    key: bytes = field(repr=False)

    @property
    def etag(self) -> str:
        """A strong validator: the bytes under one key never change."""
        return f"{self.key.hex()}-{self.version}"

    @property
    def path(self) -> Path:
        """Where the sealed file lies."""
        return path_of(self.id)

    def read(self, first: int = 0, last: int | None = None) -> Iterator[bytes]:
        """Yield the plain bytes from `first` to `last`, both included, at most 64 KiB at a time.

        Raises Shredded when its key was destroyed, and Damaged.
        """
        secret = keys.key(self.key).secret
        return self._pieces(secret, first, self.size - 1 if last is None else last)

    def _pieces(self, secret: bytes, first: int, last: int) -> Iterator[bytes]:
        try:
            file = self.path.open("rb", buffering=0)
        except FileNotFoundError:
            raise segments.Damaged from None
        with file:
            header = segments.read_header(file)
            if (header.key, header.size) != (self.key, self.size):
                raise segments.Damaged
            yield from segments.unseal(file, header, secret, self.id, first, last)


def set_folder(folder: Path | None) -> None:
    """Choose where this process keeps files."""
    _Place.folder = folder


def path_of(id: str) -> Path:
    """Return where a file lies. The last digits of an id are random, the first are the time."""
    assert _Place.folder is not None, "files.set_folder was not called"
    return _Place.folder / id[-2:] / id


def keep(
    source: bytes | BinaryIO,
    *,
    mimetype: str,
    name: str,
    subject: str = "",
    size: int | None = None,
) -> StoredFile:
    """Keep a file and return it; it counts once the caller's transaction is stored.

    `subject` is whose it is, as `person:<holder>`: who is erased takes the file along. `size` is
    needed for a stream that cannot be measured; one of another length is refused. Raises
    WrongLength, BadInput and Shredded.
    """
    if not MIMETYPE.fullmatch(mimetype):
        raise BadInput("This is no type of a file: {mimetype}", mimetype=mimetype)
    stream = io.BytesIO(source) if isinstance(source, bytes) else source
    size = _measured(stream) if size is None else size
    id, subject = new_id("fil"), subject or NOBODY
    made = keys.new_key(subject, PURPOSE)
    stored = StoredFile(id, name, mimetype, size, 1, made.id)
    try:
        _write(stored, stream, made)
        cell = vault.seal(name, table="files_file", column="name", row=id, subject=subject)
        with transaction():
            insert("files_file", {
                "id": id, "key_id": made.id, "mimetype": mimetype, "name": cell, "size": size,
                "version": 1, "subject": subject, "created": micros(now()),
            })  # fmt: skip
    except BaseException:
        stored.path.unlink(missing_ok=True)
        if not in_transaction():  # else the caller rolls the key back as well
            with transaction():
                keys.destroy(made.id)
        raise
    return stored


def _measured(stream: BinaryIO) -> int:
    """Return how many bytes are left in a stream that can be wound back."""
    if not stream.seekable():
        raise BadInput("How long this file is must be known before it is kept.")
    start = stream.tell()
    end = stream.seek(0, os.SEEK_END)
    stream.seek(start)
    return end - start


def _write(stored: StoredFile, stream: BinaryIO, made: keys.DataKey) -> None:
    """Write a draft, wait for the disk, and give it its name: it is there whole or not at all."""
    path = stored.path
    draft = path.with_name(path.name + DRAFT)
    for folder in (path.parent.parent, path.parent):
        if not folder.is_dir():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            sync(folder.parent)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            segments.seal(stream, file, key=(made.id, made.secret), id=stored.id, size=stored.size)
            file.flush()
            os.fsync(descriptor)
        draft.rename(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    sync(path.parent)


def sync(folder: Path) -> None:
    """Wait until the disk has what was renamed in a folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def find(id: str) -> StoredFile:
    """Return a file. Raises NotFound, and Shredded when its person was erased."""
    row = execute(f"SELECT {COLUMNS} FROM files_file WHERE id = ?", [id]).fetchone()
    if row is None:
        raise NotFound("There is no such file.")
    return _stored(row)


def _stored(row: tuple[Any, ...]) -> StoredFile:
    id, key, mimetype, name, size, version = row
    plain = vault.unseal(name, table="files_file", column="name", row=id)
    return StoredFile(id, plain, mimetype, size, version, bytes(key))


def delete(id: str) -> None:
    """Destroy a file's key and forget it; its bytes go once the transaction is stored.

    Raises NotFound.
    """
    with transaction():
        rows = execute("DELETE FROM files_file WHERE id = ? RETURNING key_id", [id]).fetchall()
        if not rows:
            raise NotFound("There is no such file.")
        keys.destroy(bytes(rows[0][0]))
        after_commit(lambda: path_of(id).unlink(missing_ok=True))


def sweep(before: datetime) -> int:
    """Remove what was written before an instant and never came to count; return how many files.

    Traces of the keys of deleted files go as well.
    """
    keys.scrub()
    if _Place.folder is None or not _Place.folder.is_dir():
        return 0
    old = [
        path for path in _Place.folder.glob("*/fil_*") if path.stat().st_mtime < before.timestamp()
    ]
    swept = 0
    for start in range(0, len(old), BATCH):
        batch = old[start : start + BATCH]
        marks = ", ".join("?" * len(batch))
        rows = execute(
            f"SELECT id FROM files_file WHERE id IN ({marks})", [path.name for path in batch]
        ).fetchall()
        counting = {row[0] for row in rows}
        for path in batch:
            if path.name not in counting:
                path.unlink(missing_ok=True)
                swept += 1
    return swept


def faults() -> Iterator[tuple[str, str]]:
    """Open every file and yield the id of each that cannot be read, and why."""
    for row in execute(f"SELECT {COLUMNS} FROM files_file ORDER BY id").fetchall():
        try:
            for _ in _stored(row).read():
                pass
        except keys.Shredded:
            continue  # gone on purpose
        except OboloError as error:
            yield row[0], str(error)
