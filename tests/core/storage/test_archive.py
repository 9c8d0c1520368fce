"""One file that holds a backup: whole, unchanged, and with nothing strange inside."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile

import pytest

from core.storage import archive
from core.storage.archive import BadBackup

NAME = f"files/ab/fil_{'0' * 30}ab"
FACTS = {
    "version": "1.0", "made": 1, "database": "sqlite", "migrations": {}, "tables": {}, "gone": [],
}  # fmt: skip


def seal(data):
    return hashlib.sha256(data).hexdigest()


@pytest.fixture(params=["a.tar", "a.tar.gz"])
def target(request, tmp_path):
    return tmp_path / request.param


def written(target, *contents, facts=FACTS):
    source = target.with_name("source")
    with archive.writing(target) as writer:
        for number, content in enumerate(contents):
            source.write_bytes(content)
            with source.open("rb") as file:
                writer.add(f"data/{number}", file)
        if facts:
            writer.finish(seal, **facts)
    return target


def packed(target, *members):
    """Write any tar, as an enemy would."""
    with tarfile.open(target, "w") as tar:
        for name, content, kind in members:
            member = tarfile.TarInfo(name)
            member.size, member.type, member.linkname = len(content), kind, "/etc/passwd"
            tar.addfile(member, io.BytesIO(content))
    return target


def test_what_was_put_in_is_there_with_its_digest(target):
    """In the order in which it was put in; the manifest is the last."""
    written(target, b"one", b"", b"x" * 300_000)
    found = {name: member.read() for name, member in archive.members(target)}
    manifest = archive.check(target)

    assert list(found) == ["data/0", "data/1", "data/2", archive.MANIFEST]
    assert found["data/2"] == b"x" * 300_000
    assert manifest.members["data/1"][1] == 0
    assert (manifest.form, manifest.version, manifest.made) == (archive.FORM, "1.0", 1)
    assert manifest.seal == seal(manifest.sealed())


def test_only_its_owner_may_read_it_and_no_draft_is_left(target):
    """It holds a whole site."""
    written(target, b"one")

    assert target.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in target.parent.iterdir()) == [target.name, "source"]


def test_one_that_fails_leaves_nothing(target):
    """Neither a half archive nor a draft."""

    def fail():
        with archive.writing(target):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert list(target.parent.iterdir()) == []


def test_one_without_its_manifest_is_not_whole(target):
    """A process that died would leave such a one."""
    with pytest.raises(BadBackup, match="manifest is missing"):
        archive.check(written(target, b"one", facts=None))


@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.9])
def test_one_that_was_cut_is_refused(target, part):
    """Wherever it ends."""
    data = written(target, bytes(range(256)) * 2000).read_bytes()
    target.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(BadBackup):
        archive.check(target)


def test_a_byte_that_was_changed_is_seen(target):
    """In a member by its digest."""
    written(target, b"wallet " * 1000)
    data = bytearray(target.read_bytes())
    data[700 if target.suffix == ".tar" else 60] ^= 1
    target.write_bytes(data)
    with pytest.raises(BadBackup):
        archive.check(target)


@pytest.mark.parametrize("member", [
    ("/etc/passwd", b"x", tarfile.REGTYPE),
    ("data/../../x", b"x", tarfile.REGTYPE),
    ("data/a", b"", tarfile.SYMTYPE),
    ("data/a", b"", tarfile.LNKTYPE),
    ("data", b"", tarfile.DIRTYPE),
    ("keys/kek.key", b"x", tarfile.REGTYPE),
    ("files/ab/../../obolo.toml", b"x", tarfile.REGTYPE),
])  # fmt: skip
def test_what_does_not_belong_into_a_backup_is_refused(tmp_path, member):
    """Nothing is written outside its place, and nothing is linked."""
    with pytest.raises(BadBackup, match="does not belong"):
        archive.check(packed(tmp_path / "a.tar", member))


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"form": 1}', b'{"form": 99}'])
def test_a_manifest_that_cannot_be_read_is_refused(tmp_path, text):
    """Another form too."""
    with pytest.raises(BadBackup, match=r"manifest|form"):
        archive.check(packed(tmp_path / "a.tar", (archive.MANIFEST, text, tarfile.REGTYPE)))


@pytest.mark.parametrize("extra", ["data/0", "data/late", archive.MANIFEST])
def test_a_member_that_comes_twice_or_late_is_refused(tmp_path, extra):
    """What is read must be what was checked."""
    manifest = json.dumps({
        **FACTS, "form": 1, "members": {"data/0": [*archive.Hashed("", io.BytesIO(b"x")).digest()]},
    }).encode()  # fmt: skip
    first = ("data/0", b"x", tarfile.REGTYPE)
    end = (archive.MANIFEST, manifest, tarfile.REGTYPE)
    assert archive.check(packed(tmp_path / "good.tar", first, end)).made == 1

    content = manifest if extra == archive.MANIFEST else b"x"
    with pytest.raises(BadBackup, match="more than"):
        archive.check(packed(tmp_path / "a.tar", first, end, (extra, content, tarfile.REGTYPE)))


def test_what_is_no_archive_is_said_so(tmp_path):
    """A file of something else, and one that is not there."""
    (tmp_path / "a.tar").write_text("hello" * 1000)
    for name in ("a.tar", "none.tar"):
        with pytest.raises(BadBackup, match="is no backup"):
            archive.check(tmp_path / name)
