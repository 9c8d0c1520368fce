"""The database: one handle, one base model, one way to open a transaction, one migration runner."""

from core.storage.database import (
    InstantField,
    JSONField,
    Model,
    after_commit,
    close,
    connect,
    database,
    execute,
    in_transaction,
    insert,
    instant,
    is_postgres,
    micros,
    new_id,
    on_row_lock,
    to_json,
    transaction,
)
from core.storage.migrations import Migrations, lock_migrations

__all__ = [
    "InstantField",
    "JSONField",
    "Migrations",
    "Model",
    "after_commit",
    "close",
    "connect",
    "database",
    "execute",
    "in_transaction",
    "insert",
    "instant",
    "is_postgres",
    "lock_migrations",
    "micros",
    "new_id",
    "on_row_lock",
    "to_json",
    "transaction",
]
