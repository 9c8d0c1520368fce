"""The second factor: an app's codes count once and in order, recovery codes burn one by one."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import pyotp
import pytest

from core import audit
from core.errors import Conflict
from core.people import two_factor, users
from core.storage import execute
from tests.people import (
    OTHER_EMAIL,
    assert_one_with_its_event,
    at_once,
    code_of,
    make_user,
    wrong_code,
)

STEP = timedelta(seconds=30)


@pytest.fixture
def protected(clock, db):
    """Return a user and the secret of their app, in the middle of a step."""
    clock.shift(timedelta(seconds=10))
    return make_user(app=True)


def test_the_code_that_the_app_shows_is_right_once(protected):
    """RFC 6238, 5.2: a code must not be accepted twice."""
    user, seed = protected

    assert two_factor.accept(user.id, code_of(seed))
    assert not two_factor.accept(user.id, code_of(seed))


def test_one_code_sent_at_once_by_many_counts_once(protected):
    """The conditional UPDATE decides, not the look before it."""
    user, seed = protected

    assert at_once(lambda n: two_factor.accept(user.id, code_of(seed)), 12).count(True) == 1


def test_an_older_code_is_refused_after_a_newer_one(protected):
    """Even one that nobody sent yet."""
    user, seed = protected
    older, newer = code_of(seed), code_of(seed, steps=1)

    assert two_factor.accept(user.id, newer)
    assert not two_factor.accept(user.id, older)


def test_the_next_code_counts(clock, protected):
    """After 30 seconds there is another one."""
    user, seed = protected
    assert two_factor.accept(user.id, code_of(seed))
    clock.shift(STEP)

    assert two_factor.accept(user.id, code_of(seed))


@pytest.mark.parametrize(("steps", "counts"), [
    (-2, False), (-1, True), (0, True), (1, True), (2, False),
])  # fmt: skip
def test_a_clock_may_be_one_step_off_and_not_two(clock, protected, steps, counts):
    """RFC 6238, 5.2."""
    user, seed = protected
    clock.shift(10 * STEP)

    assert two_factor.accept(user.id, code_of(seed, steps=steps)) is counts


@pytest.mark.parametrize("typed", ["{0}{1}{2} {3}{4}{5}", " {0} {1} {2} {3} {4} {5}\t"])
def test_blanks_do_not_count(protected, typed):
    """Apps show two groups of three."""
    user, seed = protected

    assert two_factor.accept(user.id, typed.format(*code_of(seed)))


@pytest.mark.parametrize(
    "typed",
    ["", "12345", "1234567", "abcdef", "\uff11\uff12\uff13\uff14\uff15\uff16", "²³¹²³¹", "-12345"],
)
def test_what_is_no_code_is_refused(protected, typed):
    """Six digits of ASCII, and nothing crashes."""
    assert not two_factor.accept(protected[0].id, typed)


def test_a_wrong_code_is_refused_and_uses_nothing_up(protected):
    """The right one still counts."""
    user, seed = protected

    assert not two_factor.accept(user.id, wrong_code(seed))
    assert two_factor.accept(user.id, code_of(seed))


def test_another_user_s_code_is_refused(protected):
    """Each has a secret of their own."""
    other, seed = make_user(OTHER_EMAIL, app=True)

    assert not two_factor.accept(protected[0].id, code_of(seed))
    assert two_factor.accept(other.id, code_of(seed))


def test_who_has_no_app_has_no_code(db):
    """Nor has who does not exist."""
    user, _ = make_user()

    assert not two_factor.accept(user.id, "000000")
    assert not two_factor.accept("usr_nobody", "000000")


def test_an_app_is_taken_once_it_shows_the_right_code(clock, db):
    """Else a typo would lock somebody out."""
    user, _ = make_user()
    seed = two_factor.new_seed()

    assert not two_factor.enrol(user, seed, wrong_code(seed))
    assert users.find(user.id).totp_since is None
    assert two_factor.enrol(user, seed, code_of(seed))
    assert users.find(user.id).totp_since is not None


def test_the_code_that_took_the_app_is_used_up(clock, db):
    """It was typed once."""
    user, _ = make_user()
    seed = two_factor.new_seed()
    two_factor.enrol(user, seed, code_of(seed))

    assert not two_factor.accept(user.id, code_of(seed))


def test_a_new_app_replaces_the_old_one(clock, protected):
    """The old one's codes count no more."""
    user, old = protected
    new = two_factor.new_seed()
    two_factor.enrol(user, new, code_of(new))
    clock.shift(STEP)

    assert not two_factor.accept(user.id, code_of(old))
    assert two_factor.accept(user.id, code_of(new))


def test_an_app_that_was_removed_shows_nothing_any_more(protected):
    """Its recovery codes go with it."""
    user, seed = protected
    codes = two_factor.new_recovery_codes(user.id)
    two_factor.remove(user, actor=user.id)

    assert not two_factor.accept(user.id, code_of(seed))
    assert not two_factor.burn(user.id, codes[0])
    assert users.find(user.id).totp_since is None


def test_the_secret_is_sealed(protected):
    """Who reads the database cannot make codes."""
    _, seed = protected
    cell = bytes(execute("SELECT totp FROM people_user").fetchone()[0])

    assert seed.encode() not in cell
    assert len(seed) == 32


def test_the_address_that_an_app_reads(db):
    """It names site and user, and leads to the same codes."""
    seed = two_factor.new_seed()
    address = two_factor.address_of(seed, name="ada@example.org", site="The Gazette")
    parts = urlsplit(address)
    query = parse_qs(parts.query)

    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert unquote(parts.path) == "/The Gazette:ada@example.org"
    assert query["secret"] == [seed]
    assert query["issuer"] == ["The Gazette"]
    assert pyotp.parse_uri(address).now() == pyotp.TOTP(seed).now()


def test_the_picture_is_an_element_without_styles():
    """The policy lets nothing inline; it is dark on light whatever the page's colours are."""
    picture = two_factor.picture_of("otpauth://totp/x?secret=AAAA&issuer=<b>")

    assert picture.startswith("<svg")
    assert not re.search(r"style=|<script|<b>", picture)
    assert 'fill="#fff"' in picture


def test_ten_recovery_codes_of_120_bits_are_made(protected):
    """In groups of four, to be written down."""
    codes = two_factor.new_recovery_codes(protected[0].id)

    assert len(set(codes)) == 10
    assert all(re.fullmatch(r"([a-z2-7]{4}-){5}[a-z2-7]{4}", code) for code in codes)


def test_each_recovery_code_burns_by_itself(protected):
    """The other nine still count."""
    user, _ = protected
    codes = two_factor.new_recovery_codes(user.id)

    assert two_factor.burn(user.id, codes[3])
    assert not two_factor.burn(user.id, codes[3])
    assert two_factor.recovery_left(user.id) == 9
    assert all(two_factor.burn(user.id, code) for code in codes if code != codes[3])
    assert two_factor.recovery_left(user.id) == 0


def test_one_recovery_code_sent_at_once_by_many_burns_once(protected):
    """One conditional UPDATE decides, and the log has one event."""
    user, _ = protected
    code = two_factor.new_recovery_codes(user.id)[0]

    assert at_once(lambda n: two_factor.burn(user.id, code), 8).count(True) == 1
    assert len(audit.events(action="user.recovery_used")) == 1


def test_new_recovery_codes_void_the_old_ones(protected):
    """Used and unused alike."""
    user, _ = protected
    old = two_factor.new_recovery_codes(user.id)
    new = two_factor.new_recovery_codes(user.id)

    assert not any(two_factor.burn(user.id, code) for code in old)
    assert two_factor.burn(user.id, new[0])


@pytest.mark.parametrize("written", [str.upper, lambda code: code.replace("-", " "),
                                     lambda code: f" {code.replace('-', '')} "])  # fmt: skip
def test_a_recovery_code_counts_however_it_is_written(protected, written):
    """Case, blanks and strokes do not matter on paper."""
    code = two_factor.new_recovery_codes(protected[0].id)[0]

    assert two_factor.burn(protected[0].id, written(code))


def test_nobody_uses_another_s_recovery_code(protected):
    """The user is part of the hash."""
    other, _ = make_user(OTHER_EMAIL)
    code = two_factor.new_recovery_codes(protected[0].id)[0]

    assert not two_factor.burn(other.id, code)
    assert not two_factor.burn(protected[0].id, "")
    assert two_factor.recovery_left(protected[0].id) == 10


def test_only_keyed_hashes_of_them_are_stored(protected):
    """Not even who knows the codes finds them without the site's key."""
    codes = two_factor.new_recovery_codes(protected[0].id)
    rows = repr(execute("SELECT * FROM people_recovery").fetchall())
    two_factor.set_key(b"another key of 32 bytes, perhaps")

    assert not any(code in rows or code.replace("-", "") in rows for code in codes)
    assert not two_factor.burn(protected[0].id, codes[0])


def test_without_the_site_s_key_none_are_made(protected):
    """Better none than some that anybody can try."""
    two_factor.set_key(b"")

    with pytest.raises(Conflict):
        two_factor.new_recovery_codes(protected[0].id)


@pytest.mark.parametrize(("action", "act"), [
    ("user.totp_on", lambda user, seed, code: two_factor.enrol(user, seed, code_of(seed))),
    ("user.totp_off", lambda user, seed, code: two_factor.remove(user, actor=user.id)),
    ("user.recovery_new", lambda user, seed, code: two_factor.new_recovery_codes(user.id)),
    ("user.recovery_used", lambda user, seed, code: two_factor.burn(user.id, code)),
])  # fmt: skip
def test_a_change_is_stored_with_its_event_or_not_at_all(monkeypatch, protected, action, act):
    """One transaction holds both."""
    user, seed = protected
    code = two_factor.new_recovery_codes(user.id)[0]
    before = len(audit.events(action=action))

    assert_one_with_its_event(monkeypatch, action, lambda: act(user, seed, code))
    assert len(audit.events(action=action)) == before + 1
