"""What the database said a moment ago, for rows that every page needs and nobody changes often."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

from core.storage.database import after_commit, database, in_transaction

SECONDS = 1.0
"""How far a process may be behind another one that wrote."""
MOST = 1_000
Key = TypeVar("Key", bound=Hashable)
Row = TypeVar("Row")


class Recent(Generic[Key, Row]):
    """The answers of the last second; a transaction always asks, an absent row is never kept."""

    def __init__(self) -> None:
        """Know nothing."""
        self._rows: dict[Key, tuple[float, Row]] = {}
        self._database: Any = None

    def get(self, key: Key, ask: Callable[[], Row | None]) -> Row | None:
        """Return what `ask` answered for this key within the last second, or ask now."""
        if in_transaction():
            return ask()
        if self._database is not database.obj:
            self._rows, self._database = {}, database.obj
        rows = self._rows
        found = rows.get(key)
        at = time.monotonic()
        if found is not None and at - found[0] < SECONDS:
            return found[1]
        row = ask()
        if row is not None and rows is self._rows:
            if len(rows) >= MOST:
                rows.clear()
            rows[key] = (at, row)
        return row

    def forget(self) -> None:
        """Ask anew, in this process, once the present transaction is stored: its rows changed."""
        after_commit(self._start_afresh)

    def _start_afresh(self) -> None:
        self._rows = {}
