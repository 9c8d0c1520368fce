"""Sealed files: any range is byte for byte the plain file's, and whoever tampers is refused.

`OBOLO_PROOF_FACTOR=10` tries ten times as many ranges and changes. Beside the proof stands a weak
twin that seals chunks without saying which file, which place and how many: it must be fooled.
"""

from __future__ import annotations

import io
import itertools
import multiprocessing
import os
import random
import secrets
import time
from datetime import timedelta

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core import storage
from core.clock import now
from core.storage import execute, files, segments
from core.storage.segments import CHUNK_BYTES, FORM, TAG_BYTES, Damaged, read_header, seal, unseal
from core.web.callers import callers
from core.web.files import send_stored
from tests.bench.files import megabytes_a_second

FACTOR = int(os.environ.get("OBOLO_PROOF_FACTOR", "1"))
RANGES, CHANGES, KILLS = 2_000 * FACTOR, 500 * FACTOR, 10 * FACTOR
SIZES = (1, CHUNK_BYTES - 1, CHUNK_BYTES, 5 * CHUNK_BYTES, 9 * CHUNK_BYTES + 12_345)
KEY = (b"k" * 16, b"s" * 32)
STEP = CHUNK_BYTES + TAG_BYTES
LEAST_MEGABYTES_A_SECOND = 60
"""A floor for a machine that does much else; the figure on an idle one is above 200."""

pytestmark = pytest.mark.proof
chance = random.Random(20_261_122)


@pytest.fixture
def client(make_site):
    """Return a client of a site that sends its files to anyone."""
    app = make_site()
    app.add_url_rule("/files/<id>", "show", callers("anyone")(send_stored))
    return app.test_client()


def asked(size):
    """Return a Range header, and which bytes it means; often near the border of a chunk."""
    first, last = sorted(chance.choices(range(size), k=2))
    if chance.random() < 0.3:
        border = (first >> 16) * CHUNK_BYTES
        first = min(size - 1, max(0, border + chance.randint(-2, 2)))
        last = max(first, last)
    return chance.choice([
        (f"bytes={first}-{last}", first, last),
        (f"bytes={first}-{last + size}", first, size - 1),
        (f"bytes={first}-", first, size - 1),
        (f"bytes=-{size - first}", first, size - 1),
    ])  # fmt: skip


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_random_ranges_are_the_plain_files(client):
    """Whatever its size: within a chunk, across many, from behind, up to the last byte."""
    plain = {size: secrets.token_bytes(size) for size in SIZES}
    ids = {
        size: files.keep(text, mimetype="audio/mpeg", name="a.mp3").id
        for size, text in plain.items()
    }
    for _ in range(RANGES):
        size = chance.choice(SIZES)
        value, first, last = asked(size)
        answer = client.get(f"/files/{ids[size]}", headers={"Range": value})

        assert answer.status_code == 206
        assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{size}"
        assert answer.data == plain[size][first : last + 1], value


def keep_on():
    """Keep files of several chunks as fast as it goes."""
    for number in itertools.count():
        files.keep(bytes([number % 256]) * 300_000, mimetype="audio/mpeg", name="a.mp3")


def keep_carelessly():
    """The weak twin: the row first, then the file in its place, piece by piece."""
    for number in itertools.count():
        kept = files.keep(b"", mimetype="audio/mpeg", name="a.mp3")
        execute("UPDATE files_file SET size = 300000 WHERE id = ?", [kept.id])
        with kept.path.open("wb") as target:
            key = storage.key(kept.key)
            plain = io.BytesIO(bytes([number % 256]) * 300_000)
            segments.seal(plain, target, key=(key.id, key.secret), id=kept.id, size=300_000)


def faults_after_kills(work, kills):
    """Kill a process that keeps files at random times, and open all that counts."""
    for _ in range(kills):
        storage.close()  # a child must not inherit an open connection
        child = multiprocessing.get_context("fork").Process(target=work)
        child.start()
        time.sleep(0.05 + chance.random() / 10)
        child.kill()
        child.join()
    return list(files.faults())


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_process_that_dies_leaves_no_half_file(client):
    """What has a row can be read whole; the rest is swept away."""
    found = faults_after_kills(keep_on, KILLS)
    whole = [row[0] for row in execute("SELECT id FROM files_file").fetchall()]
    files.sweep(now() + timedelta(days=1))
    left = [path for path in files.path_of(whole[0]).parent.parent.rglob("*") if path.is_file()]

    assert found == []
    assert len(whole) > KILLS
    assert sorted(path.name for path in left) == sorted(whole)
    assert any(faults_after_kills(keep_carelessly, 1) for _ in range(100))


def opened(data, first, last):
    """Read a range as the site does, from bytes instead of a path."""
    path = opened.folder / "sealed"
    path.write_bytes(data)
    with path.open("rb") as file:
        header = read_header(file)
        if last >= header.size:  # the site compares the length with its row's
            raise Damaged
        return b"".join(unseal(file, header, KEY[1], "fil_a", first, last))


def sealed(plain):
    target = io.BytesIO()
    seal(io.BytesIO(plain), target, key=KEY, id="fil_a", size=len(plain))
    return target.getvalue()


class Weak:
    """Chunks with a nonce each and no associated data: right in itself, bound to nothing."""

    @staticmethod
    def seal(plain):
        parts = []
        for start in range(0, len(plain), CHUNK_BYTES):
            nonce = secrets.token_bytes(12)
            chunk = AESGCM(KEY[1]).encrypt(nonce, plain[start : start + CHUNK_BYTES], None)
            parts.append(nonce + chunk)
        return bytes(FORM.size) + b"".join(parts)

    @staticmethod
    def open(data, first, last):
        step, plain = STEP + 12, b""
        for start in range(FORM.size, len(data), step):
            part = data[start : start + step]
            try:
                plain += AESGCM(KEY[1]).decrypt(part[:12], part[12:], None)
            except (InvalidTag, ValueError):
                raise Damaged from None
        return plain[first : last + 1]


def flipped(data, step):
    """Turn one bit of a chunk."""
    at = FORM.size + chance.randrange(len(data) - FORM.size)
    return data[:at] + bytes([data[at] ^ (1 << chance.randrange(8))]) + data[at + 1 :]


def reordered(data, step):
    """Let two whole chunks change places."""
    a, b = (FORM.size + n * step for n in sorted(chance.sample(range(4), 2)))
    return (
        data[:a] + data[b : b + step] + data[a + step : b] + data[a : a + step] + data[b + step :]
    )


def truncated(data, step):
    """Leave out whole chunks at the end, and write the new length into the header."""
    left = chance.randint(1, 4)
    header = bytearray(data[: FORM.size])
    header[-8:] = (left * CHUNK_BYTES).to_bytes(8, "big")
    return bytes(header) + data[FORM.size : FORM.size + left * step]


def doubled(data, step):
    """Put one chunk in the place of another."""
    a, b = (FORM.size + n * step for n in chance.sample(range(4), 2))
    return data[:a] + data[b : b + step] + data[a + step :]


@pytest.mark.parametrize("change", [flipped, reordered, truncated, doubled])
def test_what_was_changed_never_opens(tmp_path, change):
    """A reader of one byte of a changed chunk is refused, and nobody ever reads other bytes."""
    opened.folder = tmp_path
    plain = b"".join(bytes([n]) * CHUNK_BYTES for n in range(5))
    data = sealed(plain)
    refused = 0
    for _ in range(CHANGES // 10):
        changed = change(data, STEP)
        for first in (0, *(n * CHUNK_BYTES + 7 for n in range(5))):
            try:
                found = opened(changed, first, first + 10)
            except Damaged:
                refused += 1
            else:
                assert found == plain[first : first + 11]
        with pytest.raises(Damaged):
            opened(changed, 0, len(plain) - 1)

    assert refused >= CHANGES // 10


@pytest.mark.parametrize("change", [reordered, truncated, doubled])
def test_the_weak_twin_is_fooled(change):
    """Each of its chunks is genuine, so it reads what was never written."""
    plain = b"".join(bytes([n]) * CHUNK_BYTES for n in range(5))
    data = Weak.seal(plain)
    changed = change(data, STEP + 12)

    assert Weak.open(data, 0, len(plain)) == plain
    assert Weak.open(changed, 0, len(plain)) != plain
    with pytest.raises(Damaged):
        Weak.open(flipped(data, STEP + 12), 0, len(plain))


def test_one_process_opens_fast_enough(tmp_path):
    """Loosely, as the machine may be busy; the true figure is printed."""
    sealing, opening = max(megabytes_a_second(tmp_path, 64) for _ in range(3))
    print(f"\nsealing {sealing:.0f} MB/s, opening {opening:.0f} MB/s")

    assert opening >= LEAST_MEGABYTES_A_SECOND
