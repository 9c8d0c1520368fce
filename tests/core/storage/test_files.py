"""Files of the site: sealed, whole or not at all, and gone when they are to be gone."""

from __future__ import annotations

import io
import os
from datetime import UTC, datetime, timedelta

import pytest

from core import storage
from core.errors import BadInput, NotFound
from core.storage import execute, files, keys, transaction
from core.storage.segments import CHUNK_BYTES, Damaged, WrongLength

TEXT = b"The recipe of the house. " * 10_000
PERSON = "person:gst_reader"


@pytest.fixture
def place(db, tmp_path):
    files.set_folder(tmp_path / "home" / "files")
    yield tmp_path / "home" / "files"
    files.set_folder(None)


def kept(source=TEXT, **more):
    return files.keep(source, **{"mimetype": "text/plain", "name": "Ricetta “è”.txt", **more})


def content(id):
    return b"".join(files.find(id).read())


def on_disk(place):
    return sorted(path.name for path in place.rglob("*") if path.is_file())


def rows():
    return execute("SELECT COUNT(*) FROM files_file").fetchone()[0]


def test_what_was_kept_is_found_and_read(place):
    """With its name, type and length; bytes and streams alike."""
    one, two = kept(), kept(io.BytesIO(TEXT))
    found = files.find(one.id)

    assert found == one
    assert (found.name, found.mimetype, found.size) == ("Ricetta “è”.txt", "text/plain", len(TEXT))
    assert content(one.id) == content(two.id) == TEXT
    assert b"".join(found.read(CHUNK_BYTES - 2, CHUNK_BYTES + 2)) == TEXT[65534:65539]
    assert one.id.startswith("fil_")
    assert on_disk(place) == sorted([one.id, two.id])


def test_nothing_readable_lies_on_the_disk_or_in_the_row(place):
    """Neither the text nor the name; and only the site's user may look at all."""
    one = kept()
    row = execute("SELECT * FROM files_file").fetchone()

    assert b"recipe" not in one.path.read_bytes()
    assert b"Ricetta" not in b"".join(map(bytes, (cell for cell in row if isinstance(cell, bytes))))
    assert one.path.stat().st_mode & 0o777 == 0o600
    assert one.path.parent.stat().st_mode & 0o777 == 0o700
    assert one.key.hex() not in repr(one)


def test_each_file_has_a_key_of_its_own(place):
    """Equal contents too, so that one can go and the other stay."""
    one, two = kept(), kept()

    assert one.key != two.key
    assert one.etag != two.etag


def test_a_stream_is_kept_from_where_it_stands(place):
    """Whoever read the beginning to look at it winds it back, or not."""
    stream = io.BytesIO(b"0123456789")
    stream.seek(4)

    assert content(kept(stream).id) == b"456789"


def test_a_stream_that_cannot_be_measured_needs_its_size(place):
    """A pipe, or what comes over the network."""
    read, write = os.pipe()
    with os.fdopen(write, "wb") as pipe:
        pipe.write(b"hello")
    with os.fdopen(read, "rb") as pipe:
        with pytest.raises(BadInput, match="How long"):
            kept(pipe)
        one = kept(pipe, size=5)

    assert content(one.id) == b"hello"


def test_an_upload_that_breaks_off_leaves_nothing(place):
    """No file, no draft, no row, no key that opens."""
    with pytest.raises(WrongLength):
        kept(io.BytesIO(b"half"), size=8)

    assert (on_disk(place), rows()) == ([], 0)
    live = execute("SELECT COUNT(*) FROM keys_key WHERE purpose = 'file' AND state = 'single'")
    assert live.fetchone()[0] == 0


def test_an_error_while_it_is_read_leaves_nothing(place):
    """Whatever the stream raises is raised."""

    class Broken(io.BytesIO):
        def read(self, size=-1):
            raise ConnectionError

    with pytest.raises(ConnectionError):
        kept(Broken(b"hello"), size=5)

    assert (on_disk(place), rows()) == ([], 0)


def test_a_file_counts_if_its_transaction_does(place):
    """What is rolled back has no row, so nobody finds it; the sweep removes the rest."""

    def fail():
        with transaction():
            ids.append(kept().id)
            raise ZeroDivisionError

    ids = []
    with pytest.raises(ZeroDivisionError):
        fail()
    with pytest.raises(NotFound):
        files.find(ids[0])

    assert on_disk(place) == ids
    assert files.sweep(datetime.now(UTC) + timedelta(minutes=1)) == 1
    assert on_disk(place) == []


def test_a_type_that_is_none_is_refused(place):
    """It goes into a header as it is."""
    for mimetype in ("", "text", "text/html\r\nX: y", "text/html; charset=x", "TEXT/HTML"):
        with pytest.raises(BadInput):
            kept(mimetype=mimetype)


def test_a_file_that_is_deleted_is_gone(place):
    """Its key at once, its bytes after the commit, others not at all."""
    one, two = kept(subject=PERSON), kept(subject=PERSON)
    with transaction():
        files.delete(one.id)
        assert one.path.exists()

    assert not one.path.exists()
    with pytest.raises(NotFound):
        files.find(one.id)
    with pytest.raises(keys.Shredded):
        b"".join(one.read())
    assert content(two.id) == TEXT
    with pytest.raises(NotFound):
        files.delete(one.id)


def test_a_deletion_that_is_rolled_back_keeps_the_file(place):
    """Row, key and bytes."""

    def fail():
        with transaction():
            files.delete(one.id)
            raise ZeroDivisionError

    one = kept()
    with pytest.raises(ZeroDivisionError):
        fail()

    assert content(one.id) == TEXT


def test_who_is_erased_takes_their_files_along(place):
    """Contents and names are unreadable; other people's files stay."""
    theirs, other, nobodys = kept(subject=PERSON), kept(subject="person:gst_b"), kept()
    storage.shred(PERSON)
    with pytest.raises(keys.Shredded):
        files.find(theirs.id)
    with pytest.raises(keys.Shredded):
        b"".join(theirs.read())
    with pytest.raises(keys.Shredded):
        kept(subject=PERSON)

    assert content(other.id) == content(nobodys.id) == TEXT


def test_another_file_in_its_place_is_damage(place):
    """Also with its key in the row, since the id is bound."""
    one, two = kept(), kept()
    two.path.replace(one.path)
    with pytest.raises(Damaged):
        content(one.id)
    execute("DELETE FROM files_file WHERE id = ?", [two.id])
    execute("UPDATE files_file SET key_id = ? WHERE id = ?", [two.key, one.id])
    with pytest.raises(Damaged):
        content(one.id)


def test_a_file_that_is_missing_is_damage(place):
    """The row says that it should be there."""
    one = kept()
    one.path.unlink()
    with pytest.raises(Damaged):
        content(one.id)


def test_faults_are_found_by_opening_all(place):
    """Damage is named; who was erased is none."""
    good, bad, gone = kept(), kept(), kept(subject=PERSON)
    data = bytearray(bad.path.read_bytes())
    data[-1] ^= 1
    bad.path.write_bytes(data)
    storage.shred(PERSON)

    assert [id for id, _ in files.faults()] == [bad.id]
    assert good.path.exists()
    assert gone.path.exists()


def test_the_sweep_takes_what_is_old_and_has_no_row(place):
    """A draft of a process that died, a file whose row never came; not what counts or is new."""
    counting, new = kept(), kept()
    left = counting.path.with_name(new.id[:-1] + "x")
    draft = counting.path.with_name(counting.id + files.DRAFT)
    for path in (left, draft):
        path.write_bytes(b"x")
    execute("DELETE FROM files_file WHERE id = ?", [new.id])
    two_days_ago = datetime.now(UTC).timestamp() - 2 * 86_400
    for path in (counting.path, left, draft):
        os.utime(path, (two_days_ago, two_days_ago))
    swept = files.sweep(datetime.now(UTC) - timedelta(days=1))

    assert swept == 2
    assert on_disk(place) == sorted([counting.id, new.id])


def test_a_site_sweeps_once_a_day(make_site, monkeypatch):
    """Its files lie in its own folder."""
    from core import tasks

    app = make_site()
    swept = []
    monkeypatch.setattr(files, "sweep", swept.append)
    tasks._work("files")

    assert files._Place.folder == app.extensions["obolo_config"].home / "files"
    assert len(swept) == 1
