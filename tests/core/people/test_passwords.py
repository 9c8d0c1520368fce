"""Passwords: long enough, hard to guess, hashed by argon2id, a few at a time."""

from __future__ import annotations

import random
import threading
import time

import pytest
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from core.errors import BadInput, Unavailable
from core.people import passwords
from core.people.passwords import LONGEST, PARALLEL
from tests.people import PASSWORD, at_once

EMOJI = "".join(random.Random(7).sample([chr(0x1F300 + number) for number in range(256)], 128))
OTHERS = EMOJI[::-1]


@pytest.mark.parametrize(
    ("protected", "password", "fits"),
    [
        (False, "vqzkwxjpmrtbnh", False),
        (False, "vqzkwxjpmrtbnhd", True),
        (True, "vqzkwxj", False),
        (True, "vqzkwxjp", True),
    ],
)
def test_fifteen_characters_alone_and_eight_beside_a_second_factor(protected, password, fits):
    """NIST SP 800-63B-4, 3.1.1.2."""
    if fits:
        passwords.check(password, protected=protected)
        return
    with pytest.raises(BadInput, match="8" if protected else "15"):
        passwords.check(password, protected=protected)


@pytest.mark.parametrize(
    "password",
    [
        "passwordpassword",
        "aaaaaaaaaaaaaaaaaaaa",
        "123456789012345678",
        "qwertyuiopasdfgh",
        "P@ssw0rdP@ssw0rd",
        "iloveyouiloveyou",
        "abcabcabcabcabcabc",
    ],
)
def test_what_anybody_would_guess_first_is_refused(password):
    """Length alone does not help, nor digits in the place of letters."""
    with pytest.raises(BadInput, match="guess"):
        passwords.check(password, protected=False)


@pytest.mark.parametrize("password", ["password", "12345678", "iloveyou", "Passw0rd!"])
def test_common_ones_are_refused_beside_a_second_factor_too(password):
    """Eight characters of nothing are nothing."""
    with pytest.raises(BadInput, match="guess"):
        passwords.check(password, protected=True)


@pytest.mark.parametrize(
    ("password", "context"),
    [
        ("qvxzkwlm@tghnrpd.org", ["qvxzkwlm@tghnrpd.org"]),
        ("qvxzkwlmqvxzkwlm", ["qvxzkwlm@example.org"]),
        ("Zyxwik Qorlumpf", ["Zyxwik Qorlumpf"]),
        ("the qorlumpfer gazette", ["", "The Qorlumpfer Gazette"]),
    ],
)
def test_address_name_and_site_carry_no_password(password, context):
    """The same text is fine where nobody knows the words."""
    passwords.check(password, protected=False, context=[])

    with pytest.raises(BadInput, match="guess"):
        passwords.check(password, protected=False, context=context)


@pytest.mark.parametrize(
    "password",
    [
        "violetumbrellassing",
        "VIOLETUMBRELLASSING",
        "829104756382910",
        "sette ombrelli viola",
        "семь фиолетовых зонтов",
        "七把紫色雨伞在雨中唱着古老的歌",
        "!#$%&()*+,-./:;",
        EMOJI,
    ],
)
def test_there_are_no_rules_about_kinds_of_characters(password):
    """Whoever wants words only, or digits only, may have them."""
    passwords.check(password, protected=False)


def test_256_characters_are_the_most():
    """More is refused before any work is done with it."""
    longest = EMOJI + OTHERS
    passwords.check(longest, protected=False)

    assert len(longest) == LONGEST == 256
    with pytest.raises(BadInput, match="256"):
        passwords.check(longest + "x", protected=False)


def test_a_huge_password_costs_no_time():
    """A megabyte is neither searched for words nor hashed whole."""
    stored, huge = passwords.hashed(PASSWORD), "correct horse " * 75_000
    began = time.perf_counter()

    assert not passwords.verify(stored, huge)
    with pytest.raises(BadInput):
        passwords.check(huge, protected=False)
    assert time.perf_counter() - began < 2


def test_128_emoji_come_back_as_they_were():
    """Nothing is cut: one other character at the end is another password."""
    stored = passwords.hashed(EMOJI)

    assert len(EMOJI) == 128
    assert passwords.verify(stored, EMOJI)
    assert not passwords.verify(stored, EMOJI[:-1])
    assert not passwords.verify(stored, EMOJI[:-1] + "x")


def test_the_longest_one_is_no_prefix_of_another():
    """What is cut before it is hashed is nobody's."""
    longest = EMOJI + OTHERS
    stored = passwords.hashed(longest)

    assert passwords.verify(stored, longest)
    assert not passwords.verify(stored, longest + "x")


@pytest.mark.parametrize(
    ("chosen", "typed"),
    [
        ("caff\u00e8 violetto bollente", "caffe\u0300 violetto bollente"),
        ("office umbrellas", "o\ufb03ce umbrellas"),
        ("umbrellas 12345", "umbrellas \uff11\uff12\uff13\uff14\uff15"),
    ],
)
def test_what_looks_the_same_is_the_same(chosen, typed):
    """Keyboards write one letter in several ways (NFKC)."""
    assert chosen != typed
    assert passwords.verify(passwords.hashed(chosen), typed)


@pytest.mark.parametrize("typed", ["Violet", "violet ", " violet", "violet\x00", ""])
def test_nothing_else_is_the_same(typed):
    """Case and blanks count."""
    assert not passwords.verify(passwords.hashed("violet"), typed)


def test_it_is_argon2id_with_19_mib_and_two_passes():
    """OWASP Password Storage Cheat Sheet; each hash has a salt of its own."""
    first, second = passwords.hashed(PASSWORD), passwords.hashed(PASSWORD)

    assert first.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert first != second
    assert PASSWORD not in first


def test_a_hash_with_other_parameters_is_outdated_and_still_counts():
    """So it can be renewed at the next sign-in."""
    old = PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1).hash(PASSWORD)

    assert passwords.verify(old, PASSWORD)
    assert passwords.is_outdated(old)
    assert not passwords.is_outdated(passwords.hashed(PASSWORD))


@pytest.mark.parametrize("stored", ["", "no hash", "$argon2id$v=19$m=19456,t=2,p=1$x$y", "$2b$12$"])
def test_a_broken_hash_fits_nothing(stored):
    """It is refused and does not crash."""
    assert not passwords.verify(stored, "")
    assert not passwords.verify(stored, "nobody has this password")


class Counting:
    """A hasher that is fast, and counts who works at the same time."""

    def __init__(self, seconds=0.0):
        self.seconds, self.lock = seconds, threading.Lock()
        self.at_work = self.most_at_work = self.calls = 0

    def hash(self, password):
        with self.lock:
            self.calls += 1
            self.at_work += 1
            self.most_at_work = max(self.most_at_work, self.at_work)
        time.sleep(self.seconds)
        with self.lock:
            self.at_work -= 1
        return f"hash of {password}"

    def verify(self, stored, password):
        if self.hash(password) != stored:
            raise VerifyMismatchError


@pytest.fixture
def counting(monkeypatch):
    hasher = Counting()
    monkeypatch.setattr(passwords, "HASHER", hasher)
    monkeypatch.setattr(passwords, "_NOBODY", ["hash of nothing"])
    return hasher


def test_nobody_s_password_takes_as_long_and_never_fits(counting):
    """One hash is computed whether there is one to compare with or not."""
    assert not passwords.verify(None, "nothing")
    assert counting.calls == 1
    assert passwords.verify("hash of x", "x")
    assert counting.calls == 2


def test_even_nobody_s_own_password_lets_nobody_in():
    """The text that stands in for a missing password is no way in."""
    assert not passwords.verify(None, "nobody has this password")


def test_only_so_many_are_hashed_at_a_time(counting):
    """Each takes 19 MiB, so a flood would take all memory; the rest waits and is served."""
    counting.seconds = 0.02
    answers = at_once(lambda n: passwords.hashed(str(n)), 3 * PARALLEL)

    assert answers == [f"hash of {n}" for n in range(3 * PARALLEL)]
    assert counting.most_at_work == PARALLEL


@pytest.fixture
def full(counting, monkeypatch):
    """Let all places be taken, and nobody wait for long."""
    places = threading.BoundedSemaphore(1)
    monkeypatch.setattr(passwords, "_places", places)
    monkeypatch.setattr(passwords, "WAIT_SECONDS", 0.02)
    places.acquire()
    return places


@pytest.mark.parametrize("act", [
    lambda: passwords.hashed("x"), lambda: passwords.verify("hash of x", "x"),
    lambda: passwords.verify(None, "x"),
])  # fmt: skip
def test_who_waits_too_long_is_asked_to_come_back(full, counting, act):
    """503 instead of a queue without end; nothing is hashed and nobody is let in."""
    with pytest.raises(Unavailable):
        act()
    assert counting.calls == 0
    full.release()
    act()
    assert counting.calls == 1


def test_a_wrong_password_gives_its_place_back(counting, monkeypatch):
    """Else a few wrong ones would shut everybody out."""
    monkeypatch.setattr(passwords, "WAIT_SECONDS", 0.02)
    for _ in range(2 * PARALLEL):
        assert not passwords.verify("hash of x", "y")

    assert passwords.verify("hash of x", "x")
