"""The vault: texts sealed for one place in the database, and blind indexes to find them by."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import unicodedata

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.errors import OboloError
from core.storage.database import to_json
from core.storage.keys import (
    ID_BYTES,
    NONCE_BYTES,
    DataKey,
    UnknownKey,
    key,
    key_for,
    readable_keys,
    site_id,
)

HEADER = b"\x01\x01"
"""Version 1 of the cell; algorithm 1 is AES-256-GCM."""
KEY_AT = len(HEADER)
NONCE_AT = KEY_AT + ID_BYTES
TEXT_AT = NONCE_AT + NONCE_BYTES
LENGTH_BYTES = 4
BLOCK = 32
"""Texts are filled up to a multiple of so many bytes, so that their length tells little."""
CELL = "cell"
INDEX = "shop:index"


class Unreadable(OboloError):
    """A sealed text was changed, moved or cut; it does not say how."""


def seal(text: str, *, table: str, column: str, row: str, subject: str) -> bytes:
    """Encrypt a text for one place: `row` is its primary key (see `row_name`). Raises Shredded."""
    return seal_with(key_for(subject, CELL), text, table=table, column=column, row=row)


def seal_with(used: DataKey, text: str, *, table: str, column: str, row: str) -> bytes:
    """Encrypt a text for one place by this key; everything else calls `seal`."""
    content = text.encode()
    plain = len(content).to_bytes(LENGTH_BYTES, "big") + content
    plain += bytes(-len(plain) % BLOCK)
    nonce = secrets.token_bytes(NONCE_BYTES)
    bound = _bound(HEADER, used.id, table, column, row)
    return HEADER + used.id + nonce + AESGCM(used.secret).encrypt(nonce, plain, bound)


def unseal(cell: bytes, *, table: str, column: str, row: str) -> str:
    """Return the text that was sealed for this place.

    Raises Shredded when its key was destroyed, and Unreadable for every kind of damage alike.
    """
    cell = bytes(cell)
    header, id, nonce = cell[:KEY_AT], cell[KEY_AT:NONCE_AT], cell[NONCE_AT:TEXT_AT]
    try:
        bound = _bound(header, id, table, column, row)
        plain = AESGCM(key(id).secret).decrypt(nonce, cell[TEXT_AT:], bound)
        length = int.from_bytes(plain[:LENGTH_BYTES], "big")
        return plain[LENGTH_BYTES : LENGTH_BYTES + length].decode()
    except (UnknownKey, InvalidTag, ValueError):
        raise Unreadable("A sealed text in the database was changed and is unreadable.") from None


def key_id_of(cell: bytes) -> bytes:
    """Return the id of the key that a cell says it was sealed by."""
    return bytes(cell[KEY_AT:NONCE_AT])


def row_name(*primary_key: object) -> str:
    """Return how `seal` names a row: the key itself, of several columns a JSON list in order."""
    if len(primary_key) == 1:
        return str(primary_key[0])
    return to_json([str(part) for part in primary_key])


def blind_index(column: str, value: str) -> bytes:
    """Return what a look-up column keeps of a sealed text: equal texts, equal bytes.

    `column` is `table.column` of the sealed text; the index stands in `<column>_index` of the
    same row. Who guards uniqueness looks up `blind_indexes` first, under `lock_name`.
    """
    return _index(key_for(INDEX, column), column, value)


def blind_indexes(column: str, value: str) -> tuple[bytes, ...]:
    """Return every form under which a text may be stored now, for a look-up by `IN`."""
    used = readable_keys(INDEX, column) or (key_for(INDEX, column),)
    return tuple(_index(one, column, value) for one in used)


def normalise(identifier: str) -> str:
    """Return the one form of an e-mail address or name: NFKC, folded, without outer blanks."""
    while True:
        folded = unicodedata.normalize("NFKC", identifier).casefold().strip()
        if folded == identifier:
            return folded
        identifier = folded


def _index(used: DataKey, column: str, value: str) -> bytes:
    text = f"{column}.v1\x00{normalise(value)}".encode()
    return used.id + hmac.new(used.secret, text, hashlib.sha256).digest()


def _bound(header: bytes, key_id: bytes, table: str, column: str, row: str) -> bytes:
    """Return the associated data: each part with its length before it, so that none can shift."""
    parts = (site_id(), table.encode(), column.encode(), row.encode(), key_id, header)
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)
