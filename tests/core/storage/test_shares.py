"""The key in several hands."""

from __future__ import annotations

import itertools
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.storage import shares
from core.storage.shares import WrongShares

KEK = secrets.token_bytes(32)


def test_any_three_of_five_make_the_key():
    """In any order, and more than three as well."""
    made = shares.split(KEK, 5, 3)

    for some in itertools.permutations(made, 3):
        assert shares.join(some) == KEK
    assert shares.join(made) == KEK


def test_two_of_three_are_too_few():
    """They say how many are needed; the same one twice is one."""
    made = shares.split(KEK, 5, 3)

    with pytest.raises(WrongShares, match="3 are needed"):
        shares.join(made[:2])
    with pytest.raises(WrongShares, match="3 are needed"):
        shares.join([made[0], made[1], made[0]])
    with pytest.raises(WrongShares, match="no share"):
        shares.join([])


def test_a_share_tells_nothing_of_the_key():
    """For each share there is a polynomial to every key: one byte, counted out."""
    seen = {shares._at(bytes([7, slope]), 1) for slope in range(256)}

    assert seen == set(range(256))


def test_a_slip_of_the_pen_is_found():
    """One digit that is wrong; blanks and capitals do not matter."""
    made = shares.split(KEK, 3, 2)
    wrong = made[0].replace(made[0][-20], "0" if made[0][-20] != "0" else "1", 1)

    with pytest.raises(WrongShares, match="slip"):
        shares.join([wrong, made[1]])
    spaced = made[0].upper()[:40] + " \n" + made[0].upper()[40:]
    assert shares.join([spaced, made[1]]) == KEK


def test_shares_of_two_splits_do_not_mix():
    """They would make another key."""
    one, two = shares.split(KEK, 3, 2), shares.split(KEK, 3, 2)

    with pytest.raises(WrongShares, match="another split"):
        shares.join([one[0], two[1]])


def test_a_share_that_was_made_up_is_found():
    """Whoever computes the checksum too still cannot make a share of this key."""
    made = shares.split(KEK, 3, 2)
    body = made[0].split("-")
    body[4] = secrets.token_hex(32)
    text = "-".join(body[:-1])

    with pytest.raises(WrongShares, match="another key"):
        shares.join([f"{text}-{shares._check(text)}", made[1]])


@pytest.mark.parametrize(("number", "threshold"), [(5, 1), (2, 3), (256, 3), (0, 0)])
def test_a_split_has_a_sense(number, threshold):
    """One share that is enough is a copy."""
    with pytest.raises(WrongShares):
        shares.split(KEK, number, threshold)


@given(st.binary(min_size=32, max_size=32), st.data())
def test_every_key_comes_back(kek, data):
    """For every threshold, from any shares."""
    number = data.draw(st.integers(2, 8))
    threshold = data.draw(st.integers(2, number))
    made = data.draw(st.permutations(shares.split(kek, number, threshold)))

    assert shares.join(made[:threshold]) == kek


def test_the_field_is_the_one_of_aes():
    """The examples of FIPS 197, 4.2: {57} times {83} is {c1}, {57} times {13} is {fe}."""
    assert shares._times(0x57, 0x83) == 0xC1
    assert shares._times(0x57, 0x13) == 0xFE
    assert all(shares._times(a, shares._inverse(a)) == 1 for a in range(1, 256))
