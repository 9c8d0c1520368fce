"""The list of who was erased, kept beside the keys: a restored database learns from it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

FILE = "shredded"


def note_shredded(folder: Path, subjects: Iterable[str]) -> None:
    """Add subjects to the list for ever, one a line, and wait for the disk."""
    text = "".join(f"{subject}\n" for subject in subjects)
    assert text.isprintable() or "\n" in text
    descriptor = os.open(folder / FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, text.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def shredded_subjects(folder: Path) -> list[str]:
    """Return who was erased, in the order of the list."""
    path = folder / FILE
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []
