"""Where a site's data lies: in a copy, for some rounds, of a database that was made once."""

from __future__ import annotations

import shutil
import sqlite3
import uuid
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol


class Database(Protocol):
    """One copy, read from outside; what `opened` opened is closed before the next fork."""

    url: str

    def opened(self) -> AbstractContextManager[object]:
        """Read within this."""

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Read as an outsider, past all of the site's code."""

    def keep(self, folder: Path) -> None:
        """Leave a copy for whoever looks into a fault."""

    def drop(self) -> None:
        """Delete it."""


class Databases(Protocol):
    """What makes copies."""

    template: str

    def copy(self) -> Database:
        """Return a new copy of the template."""


class SqliteFile:
    """A file in WAL mode with synchronous FULL, as on a site.

    SIGKILL takes no page from the kernel's cache, so a file in memory proves as much as one on a
    disk: a power cut is another proof. A process must not fork with an open connection, since
    SQLite's locks belong to the process and its own bookkeeping of them does not fork.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = f"sqlite:///{path}"
        self._connection: sqlite3.Connection | None = None

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Open the file, and close it again."""
        self._connection = sqlite3.connect(self.path, timeout=30)
        try:
            yield
        finally:
            self._connection.close()
            self._connection = None

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Read, within `opened`."""
        assert self._connection is not None
        return self._connection.execute(sql, values).fetchall()

    def keep(self, folder: Path) -> None:
        """Copy the file with its WAL."""
        for part in self.path.parent.glob(f"{self.path.name}*"):
            shutil.copy(part, folder)

    def drop(self) -> None:
        """Delete the file with its WAL."""
        for part in self.path.parent.glob(f"{self.path.name}*"):
            part.unlink()


class SqliteFiles:
    """Copies of one file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / "template.db"
        self.template = f"sqlite:///{self._path}"

    def copy(self) -> SqliteFile:
        """Copy the file; nobody has it open."""
        path = self._folder / f"{uuid.uuid4().hex[:12]}.db"
        shutil.copyfile(self._path, path)
        return SqliteFile(path)
