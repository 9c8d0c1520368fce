"""A sealed file: chunks that can be opened one by one, of which none can be left out or moved.

The form is that of STREAM (Hoang, Reyhanitabar, Rogaway, Vizár 2015): AES-256-GCM over chunks of
64 KiB, the nonce is `prefix(7) | counter(4) | last(1)`. The header and the file's id are associated
data of every chunk. So the plain length is authenticated by whichever chunk is read, and who reads
a range notices a file that was cut as well.
"""

from __future__ import annotations

import os
import secrets
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.errors import OboloError

MAGIC, VERSION, AES_256_GCM, CHUNK_LOG2 = b"OBOL", 1, 1, 16
CHUNK_BYTES = 1 << CHUNK_LOG2
TAG_BYTES = 16
FORM = struct.Struct(">4sBBB16s7sQ")
"""Magic, version, algorithm, log2 of the chunk's size, key id, nonce prefix, plain length."""
KNOWN = (MAGIC, VERSION, AES_256_GCM, CHUNK_LOG2)
NONCE = struct.Struct(">7sIB")


class Damaged(OboloError):
    """A sealed file cannot be opened: it was changed, cut, or belongs elsewhere."""

    def __init__(self) -> None:
        super().__init__("This file is damaged. Its owner can put it back from a backup.")


class WrongLength(OboloError):
    """A stream ended too early or too late, so nothing of it was kept."""

    status = 400

    def __init__(self) -> None:
        super().__init__("The file did not arrive whole. Please send it again.")


@dataclass(frozen=True, slots=True)
class Header:
    """What stands before the chunks: which key opens them, and how long the plain file is."""

    key: bytes
    prefix: bytes
    size: int

    def packed(self) -> bytes:
        """Return the header as it is stored."""
        return FORM.pack(*KNOWN, self.key, self.prefix, self.size)

    @property
    def chunks(self) -> int:
        """How many chunks follow; an empty file has one, for its tag."""
        return max(1, -(-self.size // CHUNK_BYTES))

    @property
    def sealed_size(self) -> int:
        """How many bytes the whole sealed file has."""
        return FORM.size + self.size + self.chunks * TAG_BYTES

    def nonce(self, number: int) -> bytes:
        """Return the nonce of a chunk."""
        return NONCE.pack(self.prefix, number, number == self.chunks - 1)


def seal(
    source: BinaryIO, target: BinaryIO, *, key: tuple[bytes, bytes], id: str, size: int
) -> None:
    """Seal `size` bytes of a stream under a key (its id and secret) that seals nothing else.

    Raises WrongLength when the stream holds fewer or more.
    """
    header = Header(key[0], secrets.token_bytes(7), size)
    packed = header.packed()
    cipher, bound = AESGCM(key[1]), packed + id.encode()
    target.write(packed)
    for number in range(header.chunks):
        plain = _exactly(source, min(CHUNK_BYTES, size - number * CHUNK_BYTES))
        target.write(cipher.encrypt(header.nonce(number), plain, bound))
    if source.read(1):
        raise WrongLength


def _exactly(source: BinaryIO, count: int) -> bytes:
    parts = []
    while count:
        part = source.read(count)
        if not part:
            raise WrongLength
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def read_header(file: BinaryIO) -> Header:
    """Return the header of a sealed file that is as long as it says. Raises Damaged."""
    file.seek(0)
    packed = file.read(FORM.size)
    if len(packed) < FORM.size:
        raise Damaged
    *known, key, prefix, size = FORM.unpack(packed)
    header = Header(key, prefix, size)
    if tuple(known) != KNOWN or os.fstat(file.fileno()).st_size != header.sealed_size:
        raise Damaged
    return header


def unseal(
    file: BinaryIO, header: Header, secret: bytes, id: str, first: int, last: int
) -> Iterator[bytes]:
    """Yield the plain bytes from `first` to `last`, both included, a chunk at a time.

    A chunk is authenticated before any byte of it is yielded. Raises Damaged.
    """
    assert 0 <= first <= last < header.size or header.size == 0
    cipher, bound = AESGCM(secret), header.packed() + id.encode()
    start, end = first >> CHUNK_LOG2, max(first, last) >> CHUNK_LOG2
    file.seek(FORM.size + start * (CHUNK_BYTES + TAG_BYTES))
    for number in range(start, end + 1):
        sealed = file.read(min(CHUNK_BYTES, header.size - number * CHUNK_BYTES) + TAG_BYTES)
        try:
            plain = cipher.decrypt(header.nonce(number), sealed, bound)
        except (InvalidTag, ValueError):
            raise Damaged from None
        if number in (start, end):
            base = number << CHUNK_LOG2
            plain = plain[max(0, first - base) : last + 1 - base]
        yield plain
