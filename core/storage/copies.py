"""Copies of the whole database as it was at one instant, while others write."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Any

from core.errors import OboloError
from core.storage.classes import QUEUE
from core.storage.database import database, execute

SQLITE_MAGIC = b"SQLite format 3\0"
BUSY_SECONDS = 60
PART_BYTES = 1 << 20
HISTORY = "_migrations"


class WrongTable(OboloError):
    """A table of the backup does not fit into this database."""


def copy_sqlite(source: Path, target: Path) -> None:
    """Copy a database of SQLite page by page, in one read transaction; writers go on meanwhile."""
    with (
        closing(sqlite3.connect(source, timeout=BUSY_SECONDS)) as opened,
        closing(sqlite3.connect(target)) as copy,
    ):
        opened.backup(copy, pages=-1)


@contextmanager
def still(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a copy to which nobody writes, without a trace beside it."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as connection:
        yield connection


@contextmanager
def snapshot(url: str) -> Iterator[Any]:
    """Open PostgreSQL as it is at this instant, for reading only."""
    import psycopg  # noqa: PLC0415 - only sites on PostgreSQL have it

    plain = url.replace("postgres://", "postgresql://", 1)
    with psycopg.connect(plain) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        yield connection


Ask = Callable[[str], list[tuple[Any, ...]]]
"""Runs a SELECT without parameters and returns its rows."""


def tables(ask: Ask) -> list[str]:
    """Return the names of the site's tables in PostgreSQL, without the queue, which may be lost."""
    rows = ask(
        "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename"
    )
    return [str(row[0]) for row in rows if row[0] not in QUEUE]


def columns(ask: Ask, table: str) -> list[str]:
    """Return the columns of a table that are stored, not computed."""
    rows = ask(
        "SELECT attname FROM pg_attribute WHERE attrelid = "
        f"""'"{table}"'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' """
        "ORDER BY attnum"
    )
    return [str(row[0]) for row in rows]


def dump(connection: Any, table: str, names: list[str], file: IO[bytes]) -> int:
    """Write a table's rows as PostgreSQL's own text; return how many."""
    with connection.cursor() as cursor:
        with cursor.copy(f'COPY "{table}" ({_listed(names)}) TO STDOUT') as rows:
            for part in rows:
                file.write(part)
        return int(cursor.rowcount)


def fill(table: str, names: list[str], file: IO[bytes]) -> int:
    """Put the rows that `dump` wrote into a table, inside the caller's transaction.

    What a migration put there is replaced. Raises WrongTable.
    """
    if execute(f'SELECT 1 FROM "{table}" LIMIT 1').fetchone() is not None:
        execute(f'DELETE FROM "{table}"')
    missing = set(names) - set(columns(ask_here, table))
    if missing:
        raise WrongTable(
            "The table {table} has no column {name} here.", table=table, name=min(missing)
        )
    connection = database.obj.connection()
    with connection.cursor() as cursor:
        with cursor.copy(f'COPY "{table}" ({_listed(names)}) FROM STDIN') as rows:
            while part := file.read(PART_BYTES):
                rows.write(part)
        filled = int(cursor.rowcount)
    _count_on(table, names)
    return filled


def _count_on(table: str, names: list[str]) -> None:
    """Let numbers that PostgreSQL gives start after those that are there."""
    for name in names:
        found = execute("SELECT pg_get_serial_sequence(?, ?)", [f'"{table}"', name]).fetchone()[0]
        if found is not None:
            execute(
                f'SELECT setval(?, COALESCE(MAX("{name}"), 0) + 1, false) FROM "{table}"', [found]
            )


def ask_here(sql: str) -> list[tuple[Any, ...]]:
    """Run a SELECT on the connected database."""
    return list(execute(sql).fetchall())


def in_order(names: list[str]) -> list[str]:
    """Return tables so that each comes after those to which its rows refer."""
    rows = ask_here(
        "SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint "
        "WHERE contype = 'f'"
    )
    needs = {name: {to for of, to in rows if of == name and to != name} for name in names}
    ordered: list[str] = []
    while needs:
        free = sorted(name for name, others in needs.items() if not others & needs.keys())
        if not free:
            raise WrongTable("The tables {names} refer to each other.", names=", ".join(needs))
        ordered += free
        for name in free:
            del needs[name]
    return ordered


def _listed(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
