"""Codes: six digits or a link, used once, for a short time, and not guessed."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from core.clock import now
from core.people import codes
from core.people.codes import LASTS, MOST_TRIES
from core.storage import execute
from tests.people import at_once, undone

DATA = {"email": "ada@example.org", "to": "/library/"}


@pytest.fixture
def issued(db):
    return codes.issue("enter", DATA)


def other(digits):
    """Return six digits that are not these."""
    return f"{(int(digits) + 1) % 10**6:06}"


def test_digits_return_what_they_stand_for_once(issued):
    """Whoever reads over a shoulder comes too late."""
    assert codes.by_digits(issued.id, "enter", issued.digits) == DATA
    assert codes.by_digits(issued.id, "enter", issued.digits) is None


def test_a_token_returns_what_it_stands_for_once(issued):
    """Of a link the same holds."""
    assert codes.by_token(issued.token, "enter") == DATA
    assert codes.by_token(issued.token, "enter") is None


def test_digits_and_token_are_one_row(issued):
    """Whoever used one of them has used both."""
    assert codes.by_token(issued.token, "enter") == DATA
    assert codes.by_digits(issued.id, "enter", issued.digits) is None


def test_looking_does_not_use_it_up(issued):
    """Programs that check messages open links."""
    assert [codes.waits(issued.token, "enter") for _ in range(3)] == [DATA] * 3
    assert codes.by_token(issued.token, "enter") == DATA
    assert codes.waits(issued.token, "enter") is None


def test_there_are_always_six_digits(db, monkeypatch):
    """A small number is filled up with zeros."""
    monkeypatch.setattr(codes.secrets, "randbelow", lambda most: 42)

    assert codes.issue("enter", {}).digits == "000042"


@pytest.mark.parametrize("typed", ["{0}{1}{2} {3}{4}{5}", " {0}{1}{2}{3}{4}{5}\n"])
def test_blanks_between_digits_do_not_count(issued, typed):
    """A telephone likes to put some in."""
    assert codes.by_digits(issued.id, "enter", typed.format(*issued.digits)) == DATA


@pytest.mark.parametrize(
    "typed",
    ["", "12345", "\uff11\uff12\uff13\uff14\uff15\uff16", "no digits", "'; --", "0" * 10_000],
)
def test_what_are_not_the_digits_is_refused(db, monkeypatch, typed):
    """Whatever was typed, nothing crashes."""
    monkeypatch.setattr(codes.secrets, "randbelow", lambda most: 123_456)
    issued = codes.issue("enter", DATA)

    assert codes.by_digits(issued.id, "enter", typed) is None


def test_the_fifth_try_may_be_right(issued):
    """Four slips are forgiven."""
    for _ in range(MOST_TRIES - 1):
        assert codes.by_digits(issued.id, "enter", other(issued.digits)) is None

    assert codes.by_digits(issued.id, "enter", issued.digits) == DATA


def test_after_five_tries_the_right_digits_are_refused(issued):
    """Else a million tries would find them."""
    assert MOST_TRIES == 5
    for _ in range(5):
        codes.by_digits(issued.id, "enter", other(issued.digits))

    assert codes.by_digits(issued.id, "enter", issued.digits) is None


def test_tries_that_come_at_once_are_counted_one_by_one(issued):
    """Sixteen threads that guess get five tries together, and the count says so."""
    at_once(lambda n: codes.by_digits(issued.id, "enter", other(issued.digits)), 16)

    tries = execute("SELECT tries FROM people_code WHERE id = ?", [issued.id]).fetchone()[0]
    assert tries == 5
    assert codes.by_digits(issued.id, "enter", issued.digits) is None


def test_of_all_that_send_the_right_digits_at_once_one_is_let_in(issued):
    """The row is used up by one conditional UPDATE."""
    answers = at_once(lambda n: codes.by_digits(issued.id, "enter", issued.digits), 5)

    assert answers.count(DATA) == 1
    assert answers.count(None) == 4


def test_of_all_that_send_the_token_at_once_one_is_let_in(issued):
    """Two taps on the button are one sign-in."""
    answers = at_once(lambda n: codes.by_token(issued.token, "enter"), 8)

    assert answers.count(DATA) == 1
    assert answers.count(None) == 7


def test_a_code_counts_for_fifteen_minutes(clock, db):
    """One microsecond before the end it counts, at the end it does not."""
    assert timedelta(minutes=15) == LASTS
    early, late = codes.issue("enter", DATA), codes.issue("enter", DATA)
    clock.shift(LASTS - timedelta(microseconds=1))
    assert codes.by_digits(early.id, "enter", early.digits) == DATA
    assert codes.waits(late.token, "enter") == DATA

    clock.shift(timedelta(microseconds=1))
    assert codes.by_digits(late.id, "enter", late.digits) is None
    assert codes.waits(late.token, "enter") is None
    assert codes.by_token(late.token, "enter") is None
    assert not codes.count_try(late.token, "enter")


def test_a_code_is_for_what_it_was_made_for(issued):
    """A code that confirms lets nobody in, and trying so costs no try."""
    assert codes.by_digits(issued.id, "confirm", issued.digits) is None
    assert codes.waits(issued.token, "confirm") is None
    assert codes.by_token(issued.token, "confirm") is None
    assert not codes.count_try(issued.token, "confirm")
    assert execute("SELECT tries, used FROM people_code").fetchall() == [(0, None)]


def test_the_digits_of_one_row_open_no_other(db, monkeypatch):
    """Equal digits have another hash in each row."""
    monkeypatch.setattr(codes.secrets, "randbelow", lambda most: 123_456)
    first, second = codes.issue("enter", {"n": 1}), codes.issue("enter", {"n": 2})
    hashes = execute("SELECT code FROM people_code").fetchall()

    assert len(set(hashes)) == 2
    assert codes.by_digits(second.id, "enter", first.digits) == {"n": 2}
    assert codes.by_digits(first.id, "enter", first.digits) == {"n": 1}


def test_the_database_alone_does_not_tell_the_digits(issued, monkeypatch):
    """A million hashes are quickly made, but not without the site's key."""
    codes.set_key(b"another key of 32 bytes, perhaps")

    assert codes.by_digits(issued.id, "enter", issued.digits) is None
    assert codes.by_token(issued.token, "enter") is None


def test_without_the_site_s_key_no_code_is_made(db):
    """A bug stops; it does not hash without a key."""
    codes.set_key(b"")

    with pytest.raises(AssertionError):
        codes.issue("enter", {})


def test_neither_secrets_nor_data_stand_in_the_row(issued):
    """Digits and token are hashed, data are sealed."""
    row = repr(execute("SELECT * FROM people_code").fetchone())

    assert not re.search(rf"\b{issued.digits}\b", row)
    assert issued.token not in row
    assert "example.org" not in row
    assert issued.id in row


def test_nothing_secret_is_shown_by_accident(issued):
    """A log line of it tells the id only."""
    assert issued.digits not in repr(issued).replace(issued.id, "")
    assert issued.token not in repr(issued)


def test_tries_at_a_token_are_counted(issued):
    """What stands behind a second factor can be tried five times."""
    assert [codes.count_try(issued.token, "enter") for _ in range(7)] == [True] * 5 + [False] * 2


def test_tries_at_a_token_at_once_are_counted_one_by_one(issued):
    """No two requests share one."""
    assert at_once(lambda n: codes.count_try(issued.token, "enter"), 12).count(True) == 5


def test_what_uses_a_code_and_fails_leaves_it_as_it_was(issued):
    """It is used up in the caller's transaction."""
    assert undone(lambda: codes.by_token(issued.token, "enter")) == DATA
    assert codes.by_token(issued.token, "enter") == DATA


def test_only_what_is_over_is_forgotten(clock, db):
    """What still counts stays."""
    codes.issue("enter", {"n": 1}, lasts=timedelta(minutes=1))
    stays = codes.issue("enter", {"n": 2})
    clock.shift(timedelta(minutes=2))

    assert codes.forget(now()) == 1
    assert codes.by_token(stays.token, "enter") == {"n": 2}
