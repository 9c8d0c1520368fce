"""`EncryptedText`: a column that is plain text to its author and sealed in the database."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

from peewee import FieldAccessor

from core.errors import OboloError
from core.storage.database import PreparedField, after_commit
from core.storage.vault import Unreadable, row_name, seal, unseal

NOT_ALLOWED = ("default", "index", "unique", "primary_key")


class SealedColumn(OboloError):
    """A sealed column was used in a way that would store, compare or move what it must not."""


class Sealed(bytes):
    """A cell as the database holds it; `save` makes it, and nothing else writes the column."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class _Plain:
    """A text that was set on a row and is sealed when the row is saved."""

    text: str = field(repr=False)


class _Accessor(FieldAccessor):
    """Reads and writes plain text; `__data__` holds nothing but cells."""

    def __get__(self, row: Any, _kind: Any = None) -> Any:
        return self.field if row is None else self.field.read(row)

    def __set__(self, row: Any, value: object) -> None:
        pending = _pending(row)
        pending.pop(self.name, None)
        if isinstance(value, str):
            row.__data__.pop(self.name, None)
            pending[self.name] = _Plain(value)
        elif value is None or isinstance(value, Sealed):
            row.__data__[self.name] = value
        else:
            raise self.field.refused("takes a text")
        row._dirty.add(self.name)  # noqa: SLF001 - what peewee's own accessors do


class EncryptedText(PreparedField):
    """A text of one row, sealed by a key of its own subject: `EncryptedText(subject="holder")`.

    `subject` names the field with the holder whose key is used, so that erasing the person erases
    the text; `shop="settings"` uses a key of the shop's own instead. The id of the row is made
    before it is saved (`new_id`). The column is a BLOB (BYTEA on PostgreSQL). It cannot be
    compared, indexed, or written by `insert`, `update` and the bulk calls: they raise SealedColumn.
    """

    field_type = "BLOB"
    accessor_class = _Accessor

    def __init__(self, *, subject: str = "", shop: str = "", **options: Any) -> None:
        if bool(subject) == bool(shop):
            raise ValueError("write either subject= or shop=")
        wrong = [name for name in NOT_ALLOWED if name in options]
        if wrong:
            raise ValueError(f"a sealed column can have no {wrong[0]}=")
        super().__init__(**options)
        self.subject = subject
        self.shop = shop

    def db_value(self, value: object) -> bytes | None:
        """Let a cell pass, and nothing that was not sealed for its row."""
        if value is None or isinstance(value, Sealed):
            return None if value is None else bytes(value)
        raise self.refused(
            "cannot be compared, nor written by insert, update or a bulk call; set it on a row "
            "and save that"
        )

    def python_value(self, value: Any) -> Sealed | None:
        """Return the cell that the column holds."""
        return None if value is None else Sealed(value)

    def read(self, row: Any) -> str | None:
        """Return the plain text of a row. Raises Shredded, Unreadable and SealedColumn."""
        plain = _pending(row).get(self.name)
        if plain is not None:
            return plain.text
        cell = row.__data__.get(self.name)
        return None if cell is None else unseal(cell, **self._place(row))

    def prepare(self, row: Any) -> bool:
        """Seal what was set, for the row as it is now; tell whether the column must be written.

        The plain text is kept until the commit: if that fails, the key may be gone with it.
        """
        pending, dirty = _pending(row), row._dirty  # noqa: SLF001 - what peewee's save looks at
        key = row._meta.primary_key.name  # noqa: SLF001 - peewee's name for a model's options
        if self.name not in pending:
            is_moved = bool({key, self.subject} & dirty)
            if row.__data__.get(self.name) is None or not is_moved:
                return self.name in dirty
            pending[self.name] = _Plain(self._read_moved(row))
        plain = pending[self.name]
        cell = seal(plain.text, subject=self._subject(row), **self._place(row))
        row.__data__[self.name] = Sealed(cell)
        dirty.add(self.name)
        after_commit(partial(_drop, pending, self.name, plain))
        return True

    def refused(self, why: str) -> SealedColumn:
        """Return the error that says what this column does not do."""
        return SealedColumn(f"“{self.name}” of {self.model.__name__} is sealed: it {why}.")

    def _read_moved(self, row: Any) -> str:
        try:
            return self.read(row) or ""
        except Unreadable:
            raise self.refused("was sealed for another id; set it again on the new row") from None

    def _subject(self, row: Any) -> str:
        if self.shop:
            return f"shop:{self.shop}"
        holder = row.__data__.get(self.subject)
        if not holder:
            raise self.refused(f"needs “{self.subject}” to be set before the row is saved")
        return f"person:{holder}"

    def _place(self, row: Any) -> dict[str, str]:
        options = row._meta  # noqa: SLF001 - peewee's name for a model's options
        id = row._pk  # noqa: SLF001 - the same
        if options.composite_key or not options.primary_key or id is None:
            raise self.refused("needs one column as primary key, set before the row is saved")
        return {"table": options.table_name, "column": self.column_name, "row": row_name(id)}


def _pending(row: Any) -> dict[str, _Plain]:
    found: dict[str, _Plain] = row.__dict__.setdefault("_unsealed", {})
    return found


def _drop(pending: dict[str, _Plain], name: str, plain: _Plain) -> None:
    if pending.get(name) is plain:
        del pending[name]
