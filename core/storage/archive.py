"""One file that holds a backup: a tar whose last member, the manifest, has every other's digest."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO

import msgspec

from core.errors import OboloError

MANIFEST = "manifest.json"
FORM = 1
"""The form of a backup; another one is refused."""
PART_BYTES = 1 << 20
MEMBER = re.compile(
    r"database/(?:obolo\.db|[a-z0-9_]+\.copy)|files/[0-9a-f]{2}/fil_[0-9a-f]{32}|data/[^\0]+"
)
GZIP_LEVEL = 1
"""Most of a large backup is encrypted, and cannot be made smaller by trying harder."""


class BadBackup(OboloError):
    """A file is no backup, was changed, is not whole, or is of another version."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup holds. `made` is in microseconds since 1970.

    `migrations` are those that the database had, by component; `tables` the columns of each table
    and its number of rows, where the database is PostgreSQL; `members` digest and size of each;
    `gone` the files that its database names and that were deleted while it was made; `seal` is
    made by a key of the site, so that nobody else can write a backup that it takes for its own.
    """

    form: int
    version: str
    made: int
    database: str
    migrations: dict[str, list[str]]
    tables: dict[str, tuple[list[str], int]]
    members: dict[str, tuple[str, int]]
    gone: list[str]
    seal: str = ""

    def sealed(self) -> bytes:
        """Return what the seal is about: all but itself."""
        return msgspec.json.encode(msgspec.structs.replace(self, seal=""))


class Writer:
    """Puts members into an archive and remembers their digests."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self.members: dict[str, tuple[str, int]] = {}

    def add(self, name: str, file: BinaryIO) -> None:
        """Add a file that is open at its beginning, as long as it is now."""
        assert MEMBER.fullmatch(name), name
        hashed = Hashed(name, file)
        self._tar.addfile(_member(name, os.fstat(file.fileno()).st_size), hashed)
        self.members[name] = hashed.digest()

    def finish(self, seal: Callable[[bytes], str], **facts: Any) -> Manifest:
        """Write the manifest; what has none is not whole."""
        manifest = Manifest(form=FORM, members=self.members, **facts)
        manifest = msgspec.structs.replace(manifest, seal=seal(manifest.sealed()))
        data = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
        member = _member(MANIFEST, len(data))
        self._tar.addfile(member, io.BytesIO(data))
        return manifest


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    return member


class Hashed:
    """A file whose bytes are hashed and counted while they are read. Raises BadBackup."""

    def __init__(self, name: str, file: IO[bytes]) -> None:
        self._name = name
        self._file = file
        self._hash = hashlib.sha256()
        self._size = 0

    def read(self, size: int = -1, /) -> bytes:
        """Read on, at most so many bytes."""
        with _told(self._name):
            data = self._file.read(size)
        self._hash.update(data)
        self._size += len(data)
        return data

    def digest(self) -> tuple[str, int]:
        """Return the digest and size of the whole file, reading what is left."""
        while self.read(PART_BYTES):
            pass
        return self._hash.hexdigest(), self._size


@contextmanager
def _told(name: str) -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise BadBackup(
            "{name} is no backup, not whole, or cannot be read: {why}.", name=name, why=error
        ) from error


@contextmanager
def writing(target: Path) -> Iterator[Writer]:
    """Make an archive whole or not at all, readable by its owner only, and never over another.

    It is packed by gzip if its name ends in `.gz`. Raises BadBackup.
    """
    if target.exists():
        raise BadBackup("{path} is there already; choose another name.", path=target)
    draft = target.with_name(f".{target.name}.draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            packed = gzip.GzipFile("", "wb", GZIP_LEVEL, file, 0) if _is_packed(target) else file
            with tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as tar:
                yield Writer(tar)
            if packed is not file:
                packed.close()
            file.flush()
            os.fsync(descriptor)
        os.link(draft, target)
    finally:
        draft.unlink(missing_ok=True)


def _is_packed(target: Path) -> bool:
    return target.name.endswith((".gz", ".tgz"))


def members(file: Path) -> Iterator[tuple[str, Hashed]]:
    """Yield each member's name and bytes, in order; each is read before the next is asked for.

    Only plain files under the names of a backup are let through. Raises BadBackup.
    """
    with _told(str(file)), tarfile.open(file, "r|*") as tar:
        for member in tar:
            name = member.name
            known = name == MANIFEST or MEMBER.fullmatch(name)
            if not member.isreg() or not known or ".." in Path(name).parts:
                raise BadBackup("“{name}” does not belong into a backup.", name=name)
            found = tar.extractfile(member)
            assert found is not None
            yield name, Hashed(str(file), found)


def check(file: Path) -> Manifest:
    """Read a whole backup and return its manifest, if every digest is the one it tells.

    Raises BadBackup.
    """
    found: dict[str, tuple[str, int]] = {}
    manifest: Manifest | None = None
    for name, member in members(file):
        if manifest is not None or name in found:
            raise BadBackup("{path} has more than a backup has.", path=file)
        if name == MANIFEST:
            manifest = _read(member.read(), file)
        else:
            found[name] = member.digest()
    if manifest is None:
        raise BadBackup("{path} is not whole: its manifest is missing.", path=file)
    wrong = _differences(manifest.members, found)
    if wrong:
        raise BadBackup("{path} was changed: {names}.", path=file, names=", ".join(wrong[:5]))
    return manifest


def _differences(said: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    return sorted(name for name in said.keys() | found.keys() if said.get(name) != found.get(name))


def _read(data: bytes, file: Path) -> Manifest:
    try:
        form = msgspec.json.decode(data)["form"]
        if form != FORM:
            raise BadBackup(
                "{path} has the form {form}; this version reads {own}.",
                path=file, form=form, own=FORM,
            )  # fmt: skip
        return msgspec.json.decode(data, type=Manifest)
    except (msgspec.DecodeError, KeyError, TypeError) as error:
        raise BadBackup("The manifest of {path} cannot be read.", path=file) from error
