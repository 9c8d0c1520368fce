"""The bank's memory: one SQLite file of its own, to which rows are only ever added."""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from weakref import WeakSet

from core import now

BUSY_SECONDS = 30
"""How long a writer waits for another process before it gives up."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

SCHEMA = """
CREATE TABLE IF NOT EXISTS happened (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  ref TEXT NOT NULL,
  payee TEXT NOT NULL,
  reference TEXT NOT NULL,
  id TEXT NOT NULL UNIQUE,
  key TEXT NOT NULL,
  minor INTEGER NOT NULL,
  currency TEXT NOT NULL,
  about TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS happened_ref ON happened (ref, number);
CREATE INDEX IF NOT EXISTS happened_reference ON happened (payee, reference);
CREATE INDEX IF NOT EXISTS happened_kind ON happened (kind, number);
CREATE UNIQUE INDEX IF NOT EXISTS one_secret ON happened (kind) WHERE kind = 'opened';
CREATE UNIQUE INDEX IF NOT EXISTS one_payment ON happened (payee, reference)
  WHERE kind IN ('begun', 'buried');
CREATE UNIQUE INDEX IF NOT EXISTS one_beginning ON happened (payee, key) WHERE kind = 'begun';
CREATE UNIQUE INDEX IF NOT EXISTS one_charge ON happened (ref) WHERE kind = 'charged';
CREATE UNIQUE INDEX IF NOT EXISTS one_refund ON happened (ref, key) WHERE kind = 'refunded';
CREATE UNIQUE INDEX IF NOT EXISTS one_verdict ON happened (key) WHERE kind IN ('won', 'lost');
CREATE TRIGGER IF NOT EXISTS never_changed BEFORE UPDATE ON happened
  BEGIN SELECT RAISE(ABORT, 'what happened is never changed'); END;
CREATE TRIGGER IF NOT EXISTS never_deleted BEFORE DELETE ON happened
  BEGIN SELECT RAISE(ABORT, 'what happened is never deleted'); END;
"""
COLUMNS = "kind, ref, payee, reference, id, key, minor, currency, about, number, at"


def micros(at: datetime) -> int:
    """Return an instant as microseconds since 1970, UTC."""
    return (at - EPOCH) // timedelta(microseconds=1)


def new_id(prefix: str) -> str:
    """Return an id that nobody can guess."""
    return f"{prefix}_{secrets.token_hex(12)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One thing that happened at the bank: `minor` in minor units, `at` in microseconds UTC.

    `reference` is the site's id of the payment, `ref` the bank's; `key` makes it happen once.
    """

    kind: str
    ref: str
    payee: str = ""
    reference: str = ""
    id: str
    key: str = ""
    minor: int = 0
    currency: str = ""
    about: Mapping[str, Any] = field(default_factory=dict)
    number: int = 0
    at: int = 0


class Log:
    """The file, opened at its first use: WAL, each commit on the disk before it is answered."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        _logs.add(self)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Write all or nothing; other writers, in other processes too, wait."""
        with self._lock:
            connection = self._opened()
            if connection.in_transaction:
                yield
                return
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def add(self, row: Row) -> None:
        """Write down that something happened now; only within `writing`."""
        self._opened().execute(
            f"INSERT INTO happened ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?)",  # noqa: S608 - one list of columns
            [
                row.kind, row.ref, row.payee, row.reference, row.id, row.key, row.minor,
                row.currency, json.dumps(dict(row.about)), micros(now()),
            ],
        )  # fmt: skip

    def read(self, where: str, values: Sequence[object] = ()) -> list[Row]:
        """Return what happened, in its order."""
        query = f"SELECT {COLUMNS} FROM happened WHERE {where} ORDER BY number"  # noqa: S608 - written in the code
        with self._lock:
            rows = self._opened().execute(query, values).fetchall()
        return [_row(columns) for columns in rows]

    def last(self) -> int:
        """Return the number of the last row, 0 for none."""
        with self._lock:
            found = self._opened().execute("SELECT MAX(number) FROM happened").fetchone()
        return found[0] or 0

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            self._connection = sqlite3.connect(
                self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("PRAGMA recursive_triggers = ON")
            if not self._connection.execute("PRAGMA user_version").fetchone()[0]:
                self._connection.executescript(
                    f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = 1; COMMIT;"
                )
        return self._connection

    def leave_to_parent(self) -> None:
        """Forget, in a forked child, a connection that is the parent's and must not be closed."""
        if self._connection is not None:
            _inherited.append(self._connection)
        self._connection = None
        self._lock = threading.RLock()


def _row(columns: Sequence[Any]) -> Row:
    kind, ref, payee, reference, id, key, minor, currency, about, number, at = columns
    return Row(
        kind=kind, ref=ref, payee=payee, reference=reference, id=id, key=key, minor=minor,
        currency=currency, about=json.loads(about), number=number, at=at,
    )  # fmt: skip


_logs: WeakSet[Log] = WeakSet()
_inherited: list[sqlite3.Connection] = []


def _after_fork() -> None:
    for log in _logs:
        log.leave_to_parent()


os.register_at_fork(after_in_child=_after_fork)
