"""Keys: a key-encryption key in a file wraps the data keys in the database, one a subject.

A subject is `person:<holder>` or a class of the shop's own: `shop:settings`, `shop:mail`,
`shop:fiscal`. Who destroys its keys makes all that they sealed unreadable, in backups too.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.clock import now
from core.errors import OboloError
from core.storage.database import (
    after_commit,
    database,
    execute,
    insert,
    is_postgres,
    lock_name,
    micros,
    transaction,
)
from core.storage.keks import KeysDamaged, load_keks
from core.storage.tombstones import note_shredded, shredded_subjects

KEY_BYTES = 32
ID_BYTES = 16
NONCE_BYTES = 12
WRAPPED_BYTES = NONCE_BYTES + KEY_BYTES + 16
CACHE_SECONDS = 1.0
"""How long another process may still open what was shredded."""
MOST_CACHED = 10_000


class KeysMissing(OboloError):
    """The site's key-encryption key is not where it should be."""


class Shredded(OboloError):
    """The key was destroyed on purpose; what it sealed is gone."""

    status = 410


class UnknownKey(OboloError):
    """The database has no key of this id."""


@dataclass(frozen=True, slots=True)
class DataKey:
    """One key, unwrapped. Only ciphers may see `secret`."""

    id: bytes
    secret: bytes = field(repr=False)


class _Kept:
    """What this process remembers of one database's keys; thrown away whole, never emptied."""

    def __init__(self, of: Any = None, generation: bytes = b"", asked_at: float = 0.0) -> None:
        self.database = of
        self.generation = generation
        self.asked_at = asked_at
        self.keys: dict[bytes, DataKey] = {}
        self.active: dict[tuple[str, str], DataKey] = {}
        self.readable: dict[tuple[str, str], tuple[DataKey, ...]] = {}
        self.site = b""


class _Ring:
    """The key-encryption keys of the site, and what was unwrapped a moment ago."""

    def __init__(self) -> None:
        self.folder: Path | None = None
        self.keks: dict[str, bytes] = {}
        self.kept = _Kept()


_ring = _Ring()


def open_keys(folder: Path) -> None:
    """Load the site's key-encryption keys into the process. The database is connected, migrated.

    They are `kek-*.key` in the folder, and `obolo.kek*` among systemd's credentials. Subjects that
    were shredded after the database's backup was made are shredded again. Raises KeysMissing
    when a key of the database is wrapped by none of them, and KeysDamaged.
    """
    _ring.folder, _ring.keks, _ring.kept = folder, load_keks(folder), _Kept()
    if not _ring.keks:
        raise KeysMissing(
            f"There is no key-encryption key in {folder}. For a new site run `obolo keys init`; "
            "for an old one put its `keys` folder back from your backup."
        )
    rows = execute("SELECT DISTINCT kek FROM keys_key WHERE state <> 'destroyed'").fetchall()
    missing = sorted(kek for (kek,) in rows if _found(kek) is None)
    if missing:
        raise KeysMissing(
            f"The keys in the database are wrapped by kek-{missing[0]}.key, which is not in "
            f"{folder}. Put it back from your backup, or run `obolo keys recover`."
        )
    if _found(current_kek()) is None:  # a file that wraps nothing was taken away
        _choose_kek()
    site_id()
    _agree_on_shredded(folder)


def key_for(subject: str, purpose: str) -> DataKey:
    """Return the key that seals for a subject now, made at its first use.

    It is made in the caller's transaction if one is open. Raises Shredded.
    """
    active = _fresh().active
    found = active.get((subject, purpose))
    if found is None:
        found = _active(subject, purpose) or _make_active(subject, purpose)
        after_commit(partial(active.__setitem__, (subject, purpose), found))
    return found


def new_key(subject: str, purpose: str) -> DataKey:
    """Make a further key of a subject, for one thing such as a file. Raises Shredded."""
    with transaction():
        lock_name(f"keys:{subject}")
        return add(subject, purpose, "single")


def key(id: bytes) -> DataKey:
    """Return the key of this id. Raises Shredded and UnknownKey."""
    keys = _fresh().keys
    found = keys.get(id)
    if found is None:
        row = execute(
            "SELECT id, subject, purpose, kek, wrapped, state FROM keys_key WHERE id = ?", [id]
        ).fetchone()
        if row is None:
            raise UnknownKey("What was sealed names a key that this site does not have.")
        if row[5] == "destroyed":
            raise Shredded("The key to this was destroyed, so it cannot be read any more.")
        found = _unwrapped(row)
        after_commit(partial(keys.__setitem__, id, found))
    return found


def readable_keys(subject: str, purpose: str) -> tuple[DataKey, ...]:
    """Return every live key of a subject for a purpose, whether it still seals or not."""
    readable = _fresh().readable
    found = readable.get((subject, purpose))
    if found is None:
        rows = execute(
            "SELECT id, subject, purpose, kek, wrapped FROM keys_key WHERE subject = ? "
            "AND purpose = ? AND state IN ('next', 'active', 'decrypt-only') ORDER BY created, id",
            [subject, purpose],
        ).fetchall()
        found = tuple(_unwrapped(row) for row in rows)
        after_commit(partial(readable.__setitem__, (subject, purpose), found))
    return found


def shred(subject: str) -> int:
    """Destroy all keys of a subject for ever; return how many.

    Other processes stop opening what they sealed within a second. The subject gets no new key.
    """
    with transaction():
        lock_name(f"keys:{subject}")
        at = micros(now())
        insert("keys_shredded", {"subject": subject, "at": at}, ignore=True)
        done = execute(
            "UPDATE keys_key SET state = 'destroyed', destroyed = ?, wrapped = ? "
            "WHERE subject = ? AND state <> 'destroyed'",
            [at, bytes(WRAPPED_BYTES), subject],
        )
        changed()
        if _ring.folder is not None:
            after_commit(partial(note_shredded, _ring.folder, [subject]))
        after_commit(scrub)
    return int(done.rowcount)


def destroy(id: bytes) -> None:
    """Destroy one key in the caller's transaction; the other keys of its subject stay.

    What the database still has of it beside the row goes with the next `scrub`.
    """
    execute(
        "UPDATE keys_key SET state = 'destroyed', destroyed = ?, wrapped = ? WHERE id = ?",
        [micros(now()), bytes(WRAPPED_BYTES), id],
    )
    changed()


def site_id() -> bytes:
    """Return the random 16 bytes that tell this site's cells from another's."""
    kept = _fresh()
    if kept.site:
        return kept.site
    found = _site_value("site") or _set_once("site", secrets.token_bytes(ID_BYTES))
    after_commit(partial(setattr, kept, "site", found))
    return found


def add(subject: str, purpose: str, state: str) -> DataKey:
    """Make a key, wrap and store it; the caller's transaction has the subject's lock."""
    assert "|" not in purpose
    gone = execute("SELECT 1 FROM keys_shredded WHERE subject = ?", [subject]).fetchone()
    if gone is not None:
        raise Shredded("This was erased for ever, so nothing can be kept for it any more.")
    made = DataKey(secrets.token_bytes(ID_BYTES), secrets.token_bytes(KEY_BYTES))
    kek = current_kek()
    insert("keys_key", {
        "id": made.id, "subject": subject, "purpose": purpose, "state": state, "kek": kek,
        "wrapped": wrap(made, kek, subject, purpose), "created": micros(now()),
    })  # fmt: skip
    return made


def wrap(made: DataKey, kek: str, subject: str, purpose: str) -> bytes:
    """Encrypt a data key by a key-encryption key: nonce and ciphertext, 60 bytes."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    bound = _bound(kek, made.id, subject, purpose)
    return nonce + AESGCM(_kek(kek)).encrypt(nonce, made.secret, bound)


def unwrap(id: bytes, kek: str, subject: str, purpose: str, wrapped: bytes) -> DataKey:
    """Return the data key that `wrap` encrypted. Raises KeysMissing and KeysDamaged."""
    nonce, sealed = wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:]
    try:
        secret = AESGCM(_kek(kek)).decrypt(nonce, sealed, _bound(kek, id, subject, purpose))
    except (InvalidTag, ValueError):
        raise KeysDamaged("A key in the database was changed and opens nothing now.") from None
    return DataKey(id, secret)


def current_kek() -> str:
    """Return the fingerprint of the key-encryption key that wraps new keys, and hold it so."""
    found = _site_value("kek", " FOR SHARE" if is_postgres() else "")
    return found.decode() if found is not None else _choose_kek()


def _choose_kek() -> str:
    """Let the newest file wrap new keys."""
    newest = list(_ring.keks)[-1]
    wrap_by(newest)
    return newest


def wrap_by(kek: str) -> None:
    """Let this key-encryption key wrap new keys, once the caller's transaction is stored."""
    execute(
        "INSERT INTO keys_site (name, value) VALUES ('kek', ?) "
        "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        [kek.encode()],
    )


def changed() -> None:
    """Tell all processes, in the caller's transaction, to ask for keys anew.

    The number is random: a transaction that is rolled back and the next one never share it.
    """
    execute(
        "INSERT INTO keys_site (name, value) VALUES ('generation', ?) "
        "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        [secrets.token_bytes(ID_BYTES)],
    )
    _ring.kept = _Kept()
    after_commit(_forget)


def scrub() -> None:
    """Remove what the database still keeps of overwritten keys beside their rows."""
    execute("VACUUM keys_key" if is_postgres() else "PRAGMA wal_checkpoint(TRUNCATE)")


def load_again() -> dict[str, bytes]:
    """Look at the key folder again; return the key-encryption keys by fingerprint, newest last."""
    if _ring.folder is not None:
        _ring.keks = load_keks(_ring.folder)
    return _ring.keks


def key_folder() -> Path:
    """Return where the site's key-encryption keys are. Raises KeysMissing before `open_keys`."""
    if _ring.folder is None:
        raise KeysMissing("The keys of the site were not opened.")
    return _ring.folder


def _forget() -> None:
    _ring.kept = _Kept()


def _fresh() -> _Kept:
    """Return what is remembered, unless a key was destroyed or replaced since."""
    kept = _ring.kept
    asked_at = time.monotonic()
    if kept.database is database.obj and asked_at - kept.asked_at < CACHE_SECONDS:
        return kept
    generation = _site_value("generation") or b""
    full = len(kept.keys) + len(kept.active) > MOST_CACHED
    if kept.database is database.obj and kept.generation == generation and not full:
        kept.asked_at = asked_at
        return kept
    _ring.kept = _Kept(database.obj, generation, asked_at)
    return _ring.kept


def _active(subject: str, purpose: str) -> DataKey | None:
    row = execute(
        "SELECT id, subject, purpose, kek, wrapped FROM keys_key "
        "WHERE subject = ? AND purpose = ? AND state = 'active'",
        [subject, purpose],
    ).fetchone()
    return None if row is None else _unwrapped(row)


def _make_active(subject: str, purpose: str) -> DataKey:
    with transaction():
        lock_name(f"keys:{subject}")
        return _active(subject, purpose) or add(subject, purpose, "active")


def _unwrapped(row: tuple[Any, ...]) -> DataKey:
    id, subject, purpose, kek, wrapped = row[:5]
    return unwrap(bytes(id), kek, subject, purpose, bytes(wrapped))


def _bound(kek: str, id: bytes, subject: str, purpose: str) -> bytes:
    return f"kek|{kek}|dek|{id.hex()}|{purpose}|{subject}".encode()


def _site_value(name: str, tail: str = "") -> bytes | None:
    row = execute(f"SELECT value FROM keys_site WHERE name = ?{tail}", [name]).fetchone()
    return None if row is None else bytes(row[0])


def _set_once(name: str, value: bytes) -> bytes:
    with transaction():
        insert("keys_site", {"name": name, "value": value}, ignore=True)
        found = _site_value(name)
    assert found is not None
    return found


def _found(fingerprint: str) -> bytes | None:
    """Return a key-encryption key; a rotation may have made its file since they were read."""
    return _ring.keks.get(fingerprint) or load_again().get(fingerprint)


def _kek(fingerprint: str) -> bytes:
    found = _found(fingerprint)
    if found is None:
        raise KeysMissing(
            f"A key is wrapped by kek-{fingerprint}.key, which is not in the key folder."
        )
    return found


def _agree_on_shredded(folder: Path) -> None:
    """Let database and folder know of the same subjects: a backup was made before the erasure."""
    stored = {row[0] for row in execute("SELECT subject FROM keys_shredded").fetchall()}
    written = set(shredded_subjects(folder))
    if stored - written:
        note_shredded(folder, sorted(stored - written))
    for subject in sorted(written - stored):
        shred(subject)
