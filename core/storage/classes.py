"""Every column has a class: public, personal or secret; which columns hold cells follows from it.

Core's classes stand in `classes.toml`, a plugin's in its `plugin.toml`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from core.storage.database import database, execute, is_postgres

BINARY = ("BLOB", "BYTEA")


class Columns(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The columns of one table by class.

    What is personal or secret is sealed, unless `clear` says why it is not.
    """

    public: tuple[str, ...] = ()
    personal: tuple[str, ...] = ()
    secret: tuple[str, ...] = ()
    clear: dict[str, str] = {}

    @property
    def classed(self) -> tuple[str, ...]:
        """All columns that have a class."""
        return self.public + self.personal + self.secret

    @property
    def sealed(self) -> tuple[str, ...]:
        """The columns that hold cells of the vault."""
        return tuple(name for name in self.personal + self.secret if name not in self.clear)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the database with the primary key of its table, in the table's order."""

    table: str
    name: str
    key: tuple[str, ...]


Tables = Mapping[str, Columns]
_declared: dict[str, Columns] = {}


def core_classes() -> dict[str, Columns]:
    """Return the classes of core's own columns."""
    text = Path(__file__).with_name("classes.toml").read_bytes()
    return msgspec.toml.decode(text, type=dict[str, Columns])


def declare(tables: Tables) -> None:
    """Make a plugin's classes known to this process, for as long as it lives."""
    _declared.update(tables)


def sealed_columns() -> list[Column]:
    """Return the columns of this database that hold cells, of core and of declared plugins."""
    classes = core_classes() | _declared
    return [
        column
        for column in binary_columns()
        if column.name in classes.get(column.table, Columns()).sealed
    ]


def binary_columns() -> list[Column]:
    """Return every binary column of the database, whether anybody says what it holds or not."""
    found = []
    for table in table_names():
        columns = database.get_columns(table)
        key = tuple(column.name for column in columns if column.primary_key)
        found += [
            Column(table, column.name, key)
            for column in columns
            if column.data_type.upper() in BINARY
        ]
    return found


def faults(classes: Tables, prefixes: tuple[str, ...] = ()) -> Iterator[str]:
    """Say what is wrong with the classes of the tables whose names start with one of these.

    A column without a class, a class without a column, two classes for one, and what is personal
    or secret and stands there in the clear, without a reason.
    """
    tables = [table for table in table_names() if table.startswith(prefixes or ("",))]
    for table in sorted(set(tables) | classes.keys()):
        kinds = {column.name: column.data_type.upper() for column in database.get_columns(table)}
        wanted = classes.get(table, Columns())
        for name in sorted(kinds.keys() - set(wanted.classed)):
            yield f"{table}.{name} has no class: public, personal or secret"
        for name in sorted(set(wanted.classed) - kinds.keys()):
            yield f"{table}.{name} has a class, but there is no such column"
        for name in sorted({name for name in wanted.classed if wanted.classed.count(name) > 1}):
            yield f"{table}.{name} has two classes"
        for name in sorted(wanted.clear.keys() - set(wanted.personal + wanted.secret)):
            yield f"{table}.{name} needs no reason to be clear"
        for name in wanted.sealed:
            if kinds.get(name, "BLOB") not in BINARY:
                yield f"{table}.{name} is personal or secret and is not sealed"


def table_names() -> list[str]:
    """Return the tables that hold somebody's data: no history of migrations, no queue, no index."""
    names: list[str] = database.get_tables()
    searches: tuple[str, ...] = ()
    if not is_postgres():
        sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL%'"
        searches = tuple(f"{name}_" for (name,) in execute(sql).fetchall())
    return sorted(
        name
        for name in names
        if not name.endswith("_migrations")
        and not name.startswith(("sqlite_", *searches))
        and name not in QUEUE
    )


QUEUE = ("tasks_task", "tasks_schedule", "tasks_kv", "tasks_counter")
"""The queue's own tables on PostgreSQL; a message carries a name and ids, no personal text."""
