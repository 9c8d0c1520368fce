"""One handle for SQLite and PostgreSQL, chosen by a URL; one base model; one way to write."""

from __future__ import annotations

import json
import logging
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from peewee import (  # type: ignore[attr-defined]
    BigIntegerField,
    Database,
    DatabaseProxy,
    Field,
    InterfaceError,
    OperationalError,
    PostgresqlDatabase,
    SqliteDatabase,
    TextField,
    __exception_wrapper__,
)
from peewee import Model as PeeweeModel

from core.clock import nanoseconds
from core.errors import OboloError

log = logging.getLogger("obolo.storage")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
BUSY_SECONDS = 30
"""How long a writer waits for another one on SQLite before it gives up."""

SQLITE_PRAGMAS = {
    "journal_mode": "wal",
    "synchronous": "full",  # a commit that was answered survives a power cut
    "foreign_keys": 1,
    "recursive_triggers": 1,  # or REPLACE would delete rows past the append-only triggers
    "busy_timeout": BUSY_SECONDS * 1000,
    "cache_size": -16 * 1024,
    "secure_delete": 1,  # what was deleted or shredded is overwritten in its page
}

database: Any = DatabaseProxy()
WRONG_STATEMENT = (1, 21, 25)
"""SQLITE_ERROR, SQLITE_MISUSE, SQLITE_RANGE: https://sqlite.org/rescode.html"""
MOST_CAUSES = 20
TURN_SECONDS = 5
"""How long a thread waits for its turn before it asks SQLite itself, which then says it is busy."""
_one_writer = threading.RLock()  # what follows a commit may write again
"""SQLite lets one transaction write: who waits here is woken at once, in SQLite it sleeps."""


class WrongDatabase(OboloError):
    """The database's URL is not one that Obolo can open."""


def connect(url: str) -> None:
    """Bind the one handle to `sqlite:////path/to/file` or `postgresql://...`.

    Connections are opened by each thread at its first statement and kept. Raises WrongDatabase.
    """
    if database.obj is not None:
        close()
    database.initialize(_open(url))


def _open(url: str) -> Database:
    if url.startswith("sqlite:///"):
        path = url.removeprefix("sqlite:///")
        return SqliteDatabase(path, pragmas=SQLITE_PRAGMAS, lock_type="IMMEDIATE")
    if url.startswith(("postgres://", "postgresql://")):
        return PostgresqlDatabase(
            url.replace("postgres://", "postgresql://", 1), prefer_psycopg3=True
        )
    scheme = url.partition(":")[0]
    message = (
        f"“{scheme}:” is no database that Obolo knows; write sqlite:///... or postgresql://..."
    )
    raise WrongDatabase(message)


def close() -> None:
    """Close this thread's connection; the next statement opens a new one."""
    if not database.is_closed():
        database.close()


def is_shared(error: BaseException | None) -> bool:
    """Tell whether the database itself is behind an error: it is away, busy, full or damaged.

    A statement that is wrong is the fault of whoever wrote it, on SQLite too, which calls both so.
    """
    for _ in range(MOST_CAUSES):
        if error is None:
            return False
        if isinstance(error, OperationalError | InterfaceError):
            cause = getattr(error, "orig", None)  # the driver's own error
            if isinstance(cause, sqlite3.Error):
                return getattr(cause, "sqlite_errorcode", 1) & 0xFF not in WRONG_STATEMENT
            return cause is not None
        error = error.__cause__ or error.__context__
    return False


def is_postgres() -> bool:
    """Tell whether the site stands on PostgreSQL."""
    return isinstance(database.obj, PostgresqlDatabase)


@contextmanager
def transaction() -> Iterator[None]:
    """Write all or nothing. Inside another transaction it is part of that one.

    SQLite: BEGIN IMMEDIATE, so that two writers wait instead of failing. PostgreSQL: READ
    COMMITTED; whoever changes an order or a payment locks its row first (`on_row_lock`).
    """
    opened: Database = database.obj
    if opened.in_transaction():
        yield
    elif is_postgres():
        with opened.transaction():
            yield
    else:
        with in_turn(), opened.transaction():
            yield


@contextmanager
def in_turn() -> Iterator[None]:
    """Write on SQLite after the other threads of this process, one statement or several."""
    is_mine = _one_writer.acquire(timeout=TURN_SECONDS)
    try:
        yield
    finally:
        if is_mine:
            _one_writer.release()


def in_transaction() -> bool:
    """Tell whether this thread has a transaction open."""
    return bool(database.obj.in_transaction())


def on_row_lock() -> str:
    """Return what a SELECT ends with to hold its rows until the commit."""
    return " FOR UPDATE" if is_postgres() else ""


def lock_name(name: str) -> None:
    """Let one transaction at a time go on under this name; the others wait for its end.

    On SQLite every writing transaction waits for the others anyway.
    """
    if is_postgres():
        execute("SELECT pg_advisory_xact_lock(hashtextextended(?, 0))", [name])


def after_commit(act: Callable[[], Any]) -> None:
    """Run `act` once this thread's transaction is stored; at once when none is open."""
    database.after_commit(lambda: _run(act))


def _run(act: Callable[[], Any]) -> None:
    """Run what follows a commit; the commit stands, whatever becomes of it."""
    try:
        act()
    except Exception:
        log.exception("what was to follow a commit failed")


@lru_cache(maxsize=1024)
def _placeholders(sql: str) -> str:
    return sql.replace("%", "%%").replace("?", "%s")


def execute(sql: str, parameters: Sequence[Any] = ()) -> Any:
    """Run one statement, written with `?`, and return the driver's cursor."""
    opened: Any = database.obj
    if isinstance(opened, PostgresqlDatabase):
        return opened.execute_sql(_placeholders(sql), parameters)  # type: ignore[no-untyped-call]
    try:
        return opened.connection().execute(sql, parameters)
    except sqlite3.Error:
        with __exception_wrapper__:  # peewee's words for it, on both databases
            raise


def execute_many(sql: str, rows: Sequence[Sequence[Any]]) -> int:
    """Run one statement for each of these parameters; return how many rows it changed in all."""
    opened: Any = database.obj
    if isinstance(opened, PostgresqlDatabase):
        sql = _placeholders(sql)
    with __exception_wrapper__:
        cursor = opened.connection().cursor()
        cursor.executemany(sql, rows)
        return int(cursor.rowcount)


@lru_cache(maxsize=512)
def _insert_sql(table: str, columns: tuple[str, ...], rows: int, *, ignore: bool) -> str:
    marks = f"({', '.join('?' * len(columns))})"
    names = ", ".join(f'"{column}"' for column in columns)
    tail = " ON CONFLICT DO NOTHING" if ignore else ""
    return f'INSERT INTO "{table}" ({names}) VALUES {", ".join([marks] * rows)}{tail}'


def insert(
    table: str, rows: Mapping[str, Any] | Sequence[Mapping[str, Any]], *, ignore: bool = False
) -> int:
    """Insert rows of the same columns by one statement whose text is kept; return how many.

    With `ignore` a row that is there already (by any unique key) is passed over.
    """
    if isinstance(rows, Mapping):
        rows = (rows,)
    if not rows:
        return 0
    columns = tuple(rows[0])
    values = [row[column] for row in rows for column in columns]
    cursor = execute(_insert_sql(table, columns, len(rows), ignore=ignore), values)
    return int(cursor.rowcount)


def micros(at: datetime) -> int:
    """Return an instant as the database keeps it: microseconds since 1970, UTC."""
    return (at - EPOCH) // MICROSECOND


def instant(value: int) -> datetime:
    """Return the instant that `micros` stored."""
    return EPOCH + timedelta(microseconds=value)


def new_id(prefix: str) -> str:
    """Return a new id such as `ord_0190...`: a prefix and a UUIDv7 (RFC 9562), in order of time.

    The 12 bits after the milliseconds carry their fraction, so ids of one process keep their
    order within a millisecond as well; 62 bits are random.
    """
    milliseconds, rest = divmod(nanoseconds(), 1_000_000)
    fraction = (rest << 12) // 1_000_000
    tail = secrets.randbits(62)
    number = (milliseconds << 80) | (7 << 76) | (fraction << 64) | (2 << 62) | tail
    return f"{prefix}_{number:032x}"


class InstantField(BigIntegerField):
    """An aware instant in UTC, kept as microseconds since 1970."""

    def db_value(self, value: datetime | int | None) -> int | None:
        """Turn an instant into what the column keeps."""
        return micros(value) if isinstance(value, datetime) else value

    def python_value(self, value: int | None) -> datetime | None:
        """Turn what the column keeps into an instant."""
        return None if value is None else instant(value)


def to_json(value: Any) -> str:
    """Write a value the one way in which the database keeps JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


class JSONField(TextField):
    """A JSON value, kept as text on both databases."""

    def db_value(self, value: Any) -> str | None:
        """Turn a value into JSON text."""
        return None if value is None else to_json(value)

    def python_value(self, value: str | None) -> Any:
        """Turn JSON text into a value."""
        return None if value is None else json.loads(value)


class PreparedField(Field):
    """A field whose value depends on the whole row, so it is made when the row is saved."""

    def prepare(self, row: Any) -> bool:
        """Make the value that `row.__data__` is to hold; tell whether it must be written."""
        raise NotImplementedError


class Model(PeeweeModel):
    """Base of every table's model, core's and plugins'."""

    def save(self, force_insert: bool = False, only: Any = None) -> Any:  # noqa: FBT001, FBT002
        """Write the row; of prepared fields only those that changed."""
        fields = self._meta.sorted_fields
        kept = {f.name for f in fields if isinstance(f, PreparedField) and not f.prepare(self)}
        if kept and not force_insert:
            wanted = None if only is None else {getattr(field, "name", field) for field in only}
            only = [f for f in fields if f.name not in kept and (not wanted or f.name in wanted)]
        return super().save(force_insert=force_insert, only=only)

    class Meta:
        """Bound to the one handle."""

        database = database
        legacy_table_names = False
