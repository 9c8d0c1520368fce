"""Backups of a running site: database, files and what plugins keep; wrapped keys, never a key file.

A restore brings a site back to the instant of the backup, except for who was erased since: the list
of them lies beside the keys, and `finish` applies it before the restored database takes its place.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

from core.clock import now
from core.errors import NotFound, OboloError
from core.storage import archive, copies
from core.storage.archive import BadBackup, Manifest
from core.storage.database import close, connect, execute, is_postgres, micros, transaction
from core.storage.keys import DataKey, key_for, readable_keys
from core.storage.migrations import Migrations, lock_migrations

SQLITE, POSTGRES = "sqlite", "postgres"
DATABASE = "database/obolo.db"
FILES_OF = "SELECT id FROM files_file ORDER BY id"
SEAL = ("shop:backup", "manifest")
"""Subject and purpose of the key that seals manifests."""
SIDE_FILES = ("-wal", "-shm", "-journal")


class NotEmpty(OboloError):
    """A backup is restored beside a site, never over one."""


class _Undone(Exception):
    """A rehearsal is over, and the database is to be as it was."""


def kind_of(url: str) -> str:
    """Return which database a URL names."""
    return SQLITE if url.startswith("sqlite:") else POSTGRES


def create(target: Path, *, home: Path, url: str) -> Manifest:
    """Write a backup of the connected site while it runs; nobody waits for it.

    A file that is deleted meanwhile is left out; one that is missing raises BadBackup.
    """
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    made, key = micros(now()), key_for(*SEAL)  # a new key must be in the copy
    with (
        archive.writing(target) as writer,
        TemporaryDirectory(dir=target.parent, prefix=".backup-") as scratch,
    ):
        pack = _pack_sqlite if kind_of(url) == SQLITE else _pack_postgres
        ids, facts = pack(writer, url, Path(scratch))
        gone = [id for id in ids if not _pack_file(writer, home, id)]
        _pack_data(writer, home / "data", Path(scratch))
        return writer.finish(
            partial(_seal, key),
            version=version("obolo"), made=made, database=kind_of(url), gone=gone, **facts,
        )  # fmt: skip


FOLDER, NAME = "backups", "obolo-%Y%m%dT%H%M%SZ.tar.gz"


@dataclass(frozen=True, slots=True)
class Kept:
    """A backup below the site's folder: its name, its size in bytes, when it was begun."""

    name: str
    size: int
    made: datetime


def make(home: Path, url: str) -> tuple[Path, Manifest]:
    """Write a backup below the site's folder, under the instant at which it was begun."""
    target = home / FOLDER / now().strftime(NAME)
    return target, create(target, home=home, url=url)


def listed(home: Path) -> list[Kept]:
    """Return the backups that `make` wrote and that are still there, the newest first."""
    found = []
    for path in (home / FOLDER).glob("*.tar.gz"):
        with suppress(ValueError, FileNotFoundError):
            made = datetime.strptime(path.name, NAME).replace(tzinfo=UTC)
            found.append(Kept(path.name, path.stat().st_size, made))
    return sorted(found, key=lambda one: one.made, reverse=True)


def path_of(home: Path, name: str) -> Path:
    """Return where a backup lies that `make` wrote. Raises NotFound."""
    if any(one.name == name for one in listed(home)):
        return home / FOLDER / name
    raise NotFound("There is no such backup.")


def _seal(key: DataKey, data: bytes) -> str:
    return hmac.new(key.secret, data, hashlib.sha256).hexdigest()


def _pack_sqlite(
    writer: archive.Writer, url: str, scratch: Path
) -> tuple[list[str], dict[str, Any]]:
    copy = scratch / "obolo.db"
    copies.copy_sqlite(Path(url.removeprefix("sqlite:///")), copy)
    with copies.still(copy) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master")]
        facts = {"migrations": _histories(names, connection.execute), "tables": {}}
        ids = _ids(names, connection.execute)
    with copy.open("rb") as file:
        writer.add(DATABASE, file)
    copy.unlink()
    return ids, facts


def _pack_postgres(
    writer: archive.Writer, url: str, scratch: Path
) -> tuple[list[str], dict[str, Any]]:
    with copies.snapshot(url) as connection:
        names = copies.tables(lambda sql: connection.execute(sql).fetchall())
        tables = {}
        for table in names:
            if table.endswith(copies.HISTORY):
                continue
            listed = copies.columns(lambda sql: connection.execute(sql).fetchall(), table)
            with (scratch / table).open("w+b") as file:
                tables[table] = (listed, copies.dump(connection, table, listed, file))
                file.seek(0)
                writer.add(f"database/{table}.copy", file)
            (scratch / table).unlink()
        facts = {"migrations": _histories(names, connection.execute), "tables": tables}
        return _ids(names, connection.execute), facts


def _histories(names: list[str], run: Callable[[str], Any]) -> dict[str, list[str]]:
    """Return which migrations a database had, by component."""
    return {
        name.removesuffix(copies.HISTORY): [
            row[0] for row in run(f'SELECT name FROM "{name}" ORDER BY name').fetchall()
        ]
        for name in names
        if name.endswith(copies.HISTORY)
    }


def _ids(names: list[str], run: Callable[[str], Any]) -> list[str]:
    return [row[0] for row in run(FILES_OF).fetchall()] if "files_file" in names else []


def _pack_file(writer: archive.Writer, home: Path, id: str) -> bool:
    """Add a sealed file as it is; tell whether it was there."""
    name = f"files/{id[-2:]}/{id}"
    try:
        file = (home / name).open("rb")
    except FileNotFoundError:
        if execute("SELECT 1 FROM files_file WHERE id = ?", [id]).fetchone() is not None:
            raise BadBackup(
                "The file {path} is missing, so a backup would not be whole.", path=home / name
            ) from None
        return False
    with file:
        writer.add(name, file)
    return True


def _pack_data(writer: archive.Writer, folder: Path, scratch: Path) -> None:
    """Add what plugins keep; a database of SQLite is copied as such."""
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file() or _is_beside_database(path):
            continue
        copy = scratch / "data"
        try:
            if _is_sqlite(path):
                copies.copy_sqlite(path, copy)
            else:
                shutil.copyfile(path, copy)  # it may grow while it is read
        except FileNotFoundError:
            continue  # deleted since it was listed
        with copy.open("rb") as file:
            writer.add(f"data/{path.relative_to(folder).as_posix()}", file)
        copy.unlink()


def _is_sqlite(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(copies.SQLITE_MAGIC)) == copies.SQLITE_MAGIC


def _is_beside_database(path: Path) -> bool:
    for ending in SIDE_FILES:
        base = path.with_name(path.name.removesuffix(ending))
        if path.name.endswith(ending) and base.is_file() and _is_sqlite(base):
            return True
    return False


def restore(
    file: Path,
    *,
    home: Path,
    url: str,
    histories: Mapping[str, Path],
    finish: Callable[[Manifest], object],
    rehearsal: bool = False,
) -> Manifest:
    """Bring a backup back into an empty home and database. All of it is verified before.

    `histories` are the folders of migrations by component. `finish` opens the keys; it is called
    when the database is connected and full, before it counts: on SQLite it gets its name
    afterwards, on PostgreSQL all is one transaction, which a `rehearsal` rolls back. Raises
    BadBackup and NotEmpty.
    """
    manifest = archive.check(file)
    _refuse(manifest, home, url, histories)
    with TemporaryDirectory(dir=home, prefix=".restoring-") as folder:
        scratch = Path(folder)
        _unpack(file, manifest, home, scratch)
        if manifest.database == SQLITE:
            _place_sqlite(scratch, Path(url.removeprefix("sqlite:///")), manifest, finish)
            connect(url)
            return manifest
        connect(url)
        with suppress(_Undone), transaction():
            _fill_postgres(scratch, manifest, histories)
            _finish(manifest, finish)
            if rehearsal:
                raise _Undone
    return manifest


def _refuse(manifest: Manifest, home: Path, url: str, histories: Mapping[str, Path]) -> None:
    """Raise unless this backup fits this place and this version."""
    if manifest.database != kind_of(url):
        raise BadBackup(
            "This is a backup of {of}, and the new site is to stand on {on}.",
            of=manifest.database, on=kind_of(url),
        )  # fmt: skip
    strange = [path.name for path in home.iterdir() if path.name not in ("keys", "obolo.toml")]
    if strange:
        raise NotEmpty(
            "{home} holds {name} already. A backup is restored into a folder with nothing but "
            "the site's “keys” and “obolo.toml”.",
            home=home, name=min(strange),
        )  # fmt: skip
    if manifest.database == SQLITE:
        if Path(url.removeprefix("sqlite:///")).exists():
            raise NotEmpty("There is a database at {url} already.", url=url)
    else:
        connect(url)
        if copies.tables(copies.ask_here):
            raise NotEmpty("The new database holds tables already. Make an empty one.")
    for component, names in manifest.migrations.items():
        folder = histories.get(component)
        if folder is None and manifest.database == SQLITE:
            continue  # a plugin that is off; its tables come along
        if folder is None:
            raise BadBackup(
                "The backup has tables of the plugin {name}, which is not here.", name=component
            )
        if missing := [name for name in names if not (folder / f"{name}.py").exists()]:
            raise BadBackup(
                "The backup was made by a newer version: it has {name} of {component}.",
                name=missing[0], component=component,
            )  # fmt: skip


def _unpack(file: Path, manifest: Manifest, home: Path, scratch: Path) -> None:
    """Write the database's members into `scratch`, files and data to where they belong."""
    for name, member in archive.members(file):
        if name == archive.MANIFEST:
            continue
        in_database = name.startswith("database/")
        path = scratch / Path(name).name if in_database else home / name
        with _new_file(path) as target:
            shutil.copyfileobj(member, target, archive.PART_BYTES)
        if manifest.members[name] != member.digest():
            raise BadBackup("{path} changed while it was read.", path=file)
    os.sync()


@contextmanager
def _new_file(path: Path) -> Iterator[BinaryIO]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        yield file


def _place_sqlite(
    scratch: Path, place: Path, manifest: Manifest, finish: Callable[[Manifest], object]
) -> None:
    draft = scratch / "obolo.db"
    try:
        with copies.still(draft) as connection:
            found = connection.execute("PRAGMA integrity_check").fetchone()[0]
    except sqlite3.DatabaseError as error:
        found = str(error)
    if found != "ok":
        raise BadBackup("The database of the backup is damaged: {why}.", why=found)
    connect(f"sqlite:///{draft}")
    try:
        _finish(manifest, finish)
        execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        close()
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.move(draft, place)
    os.sync()


def _fill_postgres(scratch: Path, manifest: Manifest, histories: Mapping[str, Path]) -> None:
    """Make the tables by the migrations that the backup had, and fill them."""
    assert is_postgres()
    for component in sorted(manifest.migrations, key=lambda name: (name != "core", name)):
        names = manifest.migrations[component]
        if not names:
            continue
        history = Migrations(component, histories[component])
        with lock_migrations():
            history.apply(until=names[-1])
        if history.applied() != names:
            raise BadBackup(
                "The migrations of {name} do not lead to where the backup was.", name=component
            )
    for table in copies.in_order(list(manifest.tables)):
        listed, rows = manifest.tables[table]
        with (scratch / f"{table}.copy").open("rb") as file:
            filled = copies.fill(table, listed, file)
        if filled != rows:
            raise BadBackup("{table} has {n} rows, not {all}.", table=table, n=filled, all=rows)


def _finish(manifest: Manifest, finish: Callable[[Manifest], object]) -> None:
    for id in manifest.gone:
        execute("DELETE FROM files_file WHERE id = ?", [id])
    finish(manifest)
    if not any(
        hmac.compare_digest(_seal(key, manifest.sealed()), manifest.seal)
        for key in readable_keys(*SEAL)
    ):
        raise BadBackup("This backup was not made by the site whose keys these are.")
