"""One history of migrations for core and one for each plugin, run under a lock."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playhouse.migrations import Runner

from core.storage.database import database, execute, is_postgres

LOCK_NUMBER = 0x0B010
"""The number of PostgreSQL's advisory lock that migrations hold."""


@contextmanager
def lock_migrations() -> Iterator[None]:
    """Let one process at a time migrate; the others wait.

    The runner has no lock of its own: of processes that start together all but one would crash.
    """
    if is_postgres():
        execute("SELECT pg_advisory_lock(?)", [LOCK_NUMBER])
        try:
            yield
        finally:
            execute("SELECT pg_advisory_unlock(?)", [LOCK_NUMBER])
        return
    with Path(f"{database.obj.database}.migrating").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


class Migrations:
    """The numbered files in a folder, and which of them the database has."""

    def __init__(self, component: str, folder: Path) -> None:
        """`component` is `core` or a plugin's name; it names the history table."""
        self.component = component
        self.folder = folder
        self._runner = Runner(database.obj, str(folder), table_name=f"{component}_migrations")

    def applied(self) -> list[str]:
        """Return the names that the database has."""
        return sorted(self._runner.applied())

    def pending(self) -> list[str]:
        """Return the names still to run, in order."""
        if not self.folder.is_dir():
            return []
        return [step.name for step in self._runner.status() if step.path and not step.applied]

    def apply(self, until: str | None = None) -> list[str]:
        """Run what is pending, or no further than one step; return the names.

        Each step is a transaction. The caller holds `lock_migrations`.
        """
        return list(self._runner.up(until)) if self.pending() else []
