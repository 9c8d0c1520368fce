"""The picture that brings what one device has to another."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import doors
from core.clock import now
from core.doors import Admission, WrongCode
from core.doors.moving import SHOWN_FOR
from core.errors import Refused
from core.people import Reader, passkeys, sessions, users
from tests.people import EMAIL, PLACE, Device, at_once, code_of, guest, make_user

GUEST = Reader("gst_1", ("gst_1", "gst_2"))

pytestmark = pytest.mark.usefixtures("site")


def reader_of(user):
    return Reader(user.id, (user.id, *users.claimed_by(user.id)), user.id)


def test_a_guest_s_things_come_along():
    """All holders of the browser that showed it."""
    assert doors.bring(doors.offer_device(GUEST), guest()) == ["gst_1", "gst_2"]


def test_it_counts_once():
    """Looking at it does not count."""
    token = doors.offer_device(GUEST)
    assert doors.can_bring(token)
    assert doors.can_bring(token)
    doors.bring(token, guest())

    assert not doors.can_bring(token)
    with pytest.raises(WrongCode):
        doors.bring(token, guest())


def test_of_all_that_scan_it_at_once_one_gets_it():
    """Somebody else at the table comes too late."""
    token = doors.offer_device(GUEST)
    answers = at_once(lambda n: doors.bring(token, guest()), 5)

    assert answers.count(["gst_1", "gst_2"]) == 1
    assert sum(isinstance(one, WrongCode) for one in answers) == 4


def test_it_counts_for_five_minutes(clock):
    """To the microsecond."""
    early, late = doors.offer_device(GUEST), doors.offer_device(GUEST)
    clock.shift(SHOWN_FOR - timedelta(microseconds=1))
    assert timedelta(minutes=5) == SHOWN_FOR
    assert doors.bring(early, guest())
    clock.shift(timedelta(microseconds=1))

    assert not doors.can_bring(late)
    with pytest.raises(WrongCode):
        doors.bring(late, guest())


def test_what_a_user_claimed_meanwhile_is_not_handed_on():
    """It has an owner with a way in of their own."""
    token = doors.offer_device(GUEST)
    users.claim(make_user()[0].id, "gst_1")

    assert doors.bring(token, guest()) == ["gst_2"]


def test_a_user_is_signed_in_on_the_other_device_and_told(outbox):
    """What that device held is the user's, too; it counts as no step-up."""
    user, _ = make_user()
    admission = doors.bring(doors.offer_device(reader_of(user)), guest("gst_9"))
    session = sessions.by_token(admission.token)

    assert isinstance(admission, Admission)
    assert session.user == user.id
    assert "gst_9" in session.holders
    assert not session.is_confirmed(now())
    assert not session.strong
    assert "another device: Firefox, Android" in outbox.last(EMAIL).body


def test_a_user_with_an_app_is_asked_for_a_code_all_the_same(outbox):
    """A photograph of the picture opens nothing; the message comes with the second factor."""
    user, seed = make_user(app=True)
    admission = doors.bring(doors.offer_device(reader_of(user)), guest())
    assert admission.pending
    assert not admission.token
    assert sessions.of_user(user.id) == []
    assert outbox.letters == []

    done = doors.pass_second(admission.pending, code_of(seed), guest())
    assert sessions.by_token(done.token).user == user.id
    assert "another device" in outbox.last(EMAIL).body


def test_a_user_with_a_passkey_is_asked_for_it_all_the_same():
    """It is a second factor as well."""
    user, _ = make_user()
    device = Device()
    passkeys.make(user.id, device.make(passkeys.options_to_make(user.id, "", PLACE)), "", PLACE)

    assert doors.bring(doors.offer_device(reader_of(user)), guest()).pending


def test_who_was_shut_out_meanwhile_comes_in_nowhere():
    """The picture on the other screen does not help."""
    user, _ = make_user()
    token = doors.offer_device(reader_of(user))
    users.set_state(user, "disabled", actor="test")

    with pytest.raises(Refused):
        doors.bring(token, guest())
    assert sessions.of_user(user.id) == []


def test_who_has_nothing_offers_nothing():
    """A bug stops."""
    with pytest.raises(AssertionError):
        doors.offer_device(Reader())
