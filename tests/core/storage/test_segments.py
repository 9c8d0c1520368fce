"""Sealed files: chunks that cannot be changed, moved, cut or put under another file."""

from __future__ import annotations

import io
import secrets

import pytest

from core.storage.segments import (
    CHUNK_BYTES,
    FORM,
    TAG_BYTES,
    Damaged,
    WrongLength,
    read_header,
    seal,
    unseal,
)

KEY = (b"k" * 16, b"s" * 32)
SIZES = (0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES)
STEP = CHUNK_BYTES + TAG_BYTES


@pytest.fixture
def place(tmp_path):
    return tmp_path / "sealed"


def sealed(place, plain, id="fil_a", key=KEY):
    with place.open("wb") as target:
        seal(io.BytesIO(plain), target, key=key, id=id, size=len(plain))
    return place


def opened(place, first=0, last=None, id="fil_a", secret=KEY[1]):
    with place.open("rb") as file:
        header = read_header(file)
        last = header.size - 1 if last is None else last
        return b"".join(unseal(file, header, secret, id, first, last))


def changed(place, act):
    data = bytearray(place.read_bytes())
    place.write_bytes(bytes(act(data) or data))
    return place


@pytest.mark.parametrize("size", SIZES)
def test_what_was_sealed_opens_again(place, size):
    """Empty files and exact multiples of a chunk too."""
    plain = secrets.token_bytes(size)

    assert opened(sealed(place, plain)) == plain
    assert place.stat().st_size == FORM.size + size + max(1, -(-size // CHUNK_BYTES)) * TAG_BYTES


@pytest.mark.parametrize(("first", "last"), [
    (0, 0), (5, 5), (CHUNK_BYTES - 1, CHUNK_BYTES), (CHUNK_BYTES, 2 * CHUNK_BYTES - 1),
    (1, 3 * CHUNK_BYTES - 1), (3 * CHUNK_BYTES - 1, 3 * CHUNK_BYTES - 1),
])  # fmt: skip
def test_a_range_holds_exactly_its_bytes(place, first, last):
    """Both ends are included, within a chunk and across its borders."""
    plain = secrets.token_bytes(3 * CHUNK_BYTES)

    assert opened(sealed(place, plain), first, last) == plain[first : last + 1]


def test_a_range_reads_its_chunks_only(place):
    """The first chunk may be damaged: who reads the third does not notice."""
    plain = secrets.token_bytes(3 * CHUNK_BYTES)
    changed(sealed(place, plain), lambda data: data.__setitem__(FORM.size, data[FORM.size] ^ 1))

    assert opened(place, 2 * CHUNK_BYTES, 2 * CHUNK_BYTES) == plain[-CHUNK_BYTES:][:1]
    with pytest.raises(Damaged):
        opened(place, 0, 0)


def test_the_same_file_is_never_sealed_the_same_way(place, tmp_path):
    """Another nonce each time, and nothing of the plain text can be seen."""
    plain = b"plain text " * 100
    one, two = sealed(place, plain).read_bytes(), sealed(tmp_path / "two", plain).read_bytes()

    assert one != two
    assert b"plain" not in one


@pytest.mark.parametrize("byte", range(FORM.size))
def test_every_byte_of_the_header_is_authenticated(place, byte):
    """Magic, version, algorithm, chunk size, key id, prefix and length."""
    sealed(place, b"hello")

    with pytest.raises(Damaged):
        opened(changed(place, lambda data: data.__setitem__(byte, data[byte] ^ 1)))


def swapped(data):
    a, b, end = FORM.size, FORM.size + STEP, FORM.size + 2 * STEP
    return data[:a] + data[b:end] + data[a:b] + data[end:]


def shortened(data):
    """Leave the last chunk out and say so in the header, as somebody clever would."""
    data[FORM.size - 8 : FORM.size] = (2 * CHUNK_BYTES).to_bytes(8, "big")
    return data[:-STEP]


@pytest.mark.parametrize("act", [
    swapped,
    shortened,
    lambda data: data[:-1],
    lambda data: data[:-STEP],
    lambda data: data + b"x",
    lambda data: data[: FORM.size],
    lambda data: data[:10],
    lambda data: data[:FORM.size] + data[FORM.size + STEP :] + data[-STEP:],
])  # fmt: skip
def test_what_was_cut_or_moved_is_refused_to_who_reads_one_byte(place, act):
    """Also by who never sees the last chunk."""
    changed(sealed(place, secrets.token_bytes(3 * CHUNK_BYTES)), act)

    with pytest.raises(Damaged):
        opened(place, 0, 0)


def test_another_file_in_its_place_is_refused(place):
    """The id is bound, and so is the key."""
    sealed(place, b"hello")

    with pytest.raises(Damaged):
        opened(place, id="fil_b")
    with pytest.raises(Damaged):
        opened(place, secret=b"t" * 32)


@pytest.mark.parametrize("size", [4, 6, CHUNK_BYTES + 1])
def test_a_stream_of_another_length_is_refused(place, size):
    """An upload that broke off, or that says less than it sends."""
    with place.open("wb") as target, pytest.raises(WrongLength):
        seal(io.BytesIO(b"hello"), target, key=KEY, id="fil_a", size=size)


def test_a_stream_that_comes_in_small_pieces_is_read_whole(place):
    """A socket returns less than it was asked for."""
    plain = secrets.token_bytes(CHUNK_BYTES + 5)

    class Slow(io.BytesIO):
        def read(self, size=-1):
            return super().read(min(size, 1000))

    with place.open("wb") as target:
        seal(Slow(plain), target, key=KEY, id="fil_a", size=len(plain))

    assert opened(place) == plain
