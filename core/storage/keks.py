"""The files of the key-encryption keys: the site's key folder, and systemd's credentials."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from core.config import KEK_BYTES, kek_fingerprint
from core.errors import OboloError


class KeysDamaged(OboloError):
    """A key file cannot be used as it is, or a key in the database was tampered with."""


def load_keks(folder: Path) -> dict[str, bytes]:
    """Read the key files, oldest first, so that the newest is the last."""
    files = sorted(folder.glob("kek-*.key"), key=lambda path: (path.stat().st_mtime_ns, path.name))
    for path in files:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise KeysDamaged(f"Others on this machine can read {path}. Run: chmod 600 '{path}'")
    credentials = os.environ.get("CREDENTIALS_DIRECTORY")
    given = sorted(Path(credentials).glob("obolo.kek*")) if credentials else []
    keks: dict[str, bytes] = {}
    for path in (*files, *given):
        kek = _read(path)
        fingerprint = kek_fingerprint(kek)
        if path in files and path.name != f"kek-{fingerprint}.key":
            raise KeysDamaged(
                f"{path} does not hold the key that its name says. Put it back from your backup."
            )
        keks[fingerprint] = kek
    return keks


def _read(path: Path) -> bytes:
    try:
        kek = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except ValueError:
        kek = b""
    if len(kek) != KEK_BYTES:
        raise KeysDamaged(
            f"{path} is damaged: it must hold {2 * KEK_BYTES} hexadecimal digits. "
            "Put it back from your backup."
        )
    return kek
