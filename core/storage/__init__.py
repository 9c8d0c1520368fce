"""The database: one handle, one base model, one way to open a transaction, one migration runner."""

from core.storage.classes import Columns
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
    in_turn,
    insert,
    instant,
    is_postgres,
    lock_name,
    micros,
    new_id,
    on_row_lock,
    to_json,
    transaction,
)
from core.storage.encrypted import EncryptedText, SealedColumn
from core.storage.files import StoredFile
from core.storage.keks import KeysDamaged
from core.storage.keys import (
    DataKey,
    KeysMissing,
    Shredded,
    UnknownKey,
    key,
    key_for,
    new_key,
    open_keys,
    shred,
)
from core.storage.migrations import Migrations, lock_migrations
from core.storage.recent import Recent
from core.storage.seals import Seals
from core.storage.tombstones import shredded_subjects
from core.storage.vault import (
    Unreadable,
    blind_index,
    blind_indexes,
    normalise,
    row_name,
    seal,
    unseal,
)

__all__ = [
    "Columns",
    "DataKey",
    "EncryptedText",
    "InstantField",
    "JSONField",
    "KeysDamaged",
    "KeysMissing",
    "Migrations",
    "Model",
    "Recent",
    "SealedColumn",
    "Seals",
    "Shredded",
    "StoredFile",
    "UnknownKey",
    "Unreadable",
    "after_commit",
    "blind_index",
    "blind_indexes",
    "close",
    "connect",
    "database",
    "execute",
    "in_transaction",
    "in_turn",
    "insert",
    "instant",
    "is_postgres",
    "key",
    "key_for",
    "lock_migrations",
    "lock_name",
    "micros",
    "new_id",
    "new_key",
    "normalise",
    "on_row_lock",
    "open_keys",
    "row_name",
    "seal",
    "shred",
    "shredded_subjects",
    "to_json",
    "transaction",
    "unseal",
]
