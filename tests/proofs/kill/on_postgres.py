"""PostgreSQL's side of `databases`: copies of a database on the tests' server."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import psycopg

from tests import postgres


class PostgresDatabase:
    """A database of the tests' server, which is not what is killed: it may skip its fsync."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.url = str(postgres.server().get_uri(database=name))
        self._connection = psycopg.connect(self.url, autocommit=True)

    def opened(self) -> AbstractContextManager[object]:
        """Do nothing: the connection stays open."""
        return nullcontext()

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Read by a connection that only the parent uses; a child inherits its socket, and dies."""
        return self._connection.execute(sql.replace("?", "%s"), values).fetchall()

    def keep(self, folder: Path) -> None:
        """Write each table as text."""
        for (table,) in self.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"):
            lines = [repr(row) for row in self.rows(f'SELECT * FROM "{table}"')]
            (folder / f"{table}.txt").write_text("\n".join(lines))

    def drop(self) -> None:
        """Drop the database, with whatever a killed process left of its connections."""
        self._connection.close()
        _on_server(f"DROP DATABASE {self.name} WITH (FORCE)")


class PostgresDatabases:
    """Copies of one database."""

    def __init__(self) -> None:
        self._name = f"kill_{uuid.uuid4().hex[:12]}"
        _on_server(f"CREATE DATABASE {self._name} TEMPLATE {postgres.TEMPLATE}")
        self.template = str(postgres.server().get_uri(database=self._name))

    def copy(self) -> PostgresDatabase:
        """Copy the database; nobody is connected to it."""
        name = f"{self._name}_{uuid.uuid4().hex[:8]}"
        _on_server(f"CREATE DATABASE {name} TEMPLATE {self._name}")
        return PostgresDatabase(name)


def _on_server(sql: str) -> None:
    with psycopg.connect(postgres.server().get_uri(), autocommit=True) as connection:
        connection.execute(sql)  # type: ignore[arg-type]
