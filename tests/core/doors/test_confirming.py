"""Step-up: a factor that the user has, or else the password, or else a code by mail."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import audit, doors
from core.clock import now
from core.doors import WrongCode
from core.errors import BadInput, Refused
from core.limits import TooMany
from core.people import codes, passkeys, sessions, two_factor
from tests.people import (
    OTHER_EMAIL,
    PASSWORD,
    PLACE,
    Device,
    code_of,
    digits_of,
    guest,
    make_user,
    wrong_code,
    wrong_digits,
)

pytestmark = pytest.mark.usefixtures("site")


def sitting(user, *, strong=False):
    """Return a session of a user that nobody proved for an hour."""
    return sessions.by_token(sessions.start(user.id, strong=strong, proved=False))


def with_passkey(user):
    device = Device()
    passkeys.make(user.id, device.make(passkeys.options_to_make(user.id, "", PLACE)), "", PLACE)
    return device


def confirmed(token):
    return sessions.by_token(token).is_confirmed(now())


def test_who_has_nothing_else_gets_a_code_by_mail(outbox):
    """At the address that the site knows, whatever the form says."""
    session = sitting(make_user()[0])
    id = doors.ask_to_confirm(session, guest())
    token = doors.confirm_by_digits(session, id, digits_of(outbox.last()), guest())

    assert confirmed(token)
    assert not sessions.by_token(token).strong
    assert len(outbox.letters) == 1


def test_wrong_digits_confirm_nothing(outbox):
    """The session stays as it is, token and all."""
    user, _ = make_user()
    old = sessions.start(user.id, strong=False, proved=False)
    session = sessions.by_token(old)
    id = doors.ask_to_confirm(session, guest())
    with pytest.raises(WrongCode):
        doors.confirm_by_digits(session, id, wrong_digits(outbox.last()), guest())

    assert not confirmed(old)


def test_a_code_counts_for_the_user_who_asked_for_it(outbox):
    """Somebody else's code confirms nobody."""
    mine, theirs = sitting(make_user()[0]), sitting(make_user(OTHER_EMAIL)[0])
    id = doors.ask_to_confirm(theirs, guest())

    with pytest.raises(WrongCode):
        doors.confirm_by_digits(mine, id, digits_of(outbox.last(OTHER_EMAIL)), guest())


def test_a_code_that_lets_in_confirms_nothing(outbox):
    """Each kind of proof has its door."""
    user, _ = make_user()
    issued = codes.issue("enter", {"user": user.id, "email": user.email})

    with pytest.raises(WrongCode):
        doors.confirm_by_digits(sitting(user), issued.id, issued.digits, guest())


def test_a_message_is_no_second_factor(outbox):
    """Who has one shows it: a mailbox that somebody else reads opens nothing."""
    for user, _ in (make_user(app=True), make_user(OTHER_EMAIL)):
        if user.email == OTHER_EMAIL:
            with_passkey(user)
        session = sitting(user)
        issued = codes.issue("confirm", {"user": user.id})
        with pytest.raises(WrongCode):
            doors.confirm_by_digits(session, issued.id, issued.digits, guest())


def test_without_an_address_there_is_nowhere_to_send_a_code(outbox):
    """It is said, and nothing is sent."""
    with pytest.raises(BadInput):
        doors.ask_to_confirm(sitting(make_user("")[0]), guest())
    assert outbox.letters == []


def test_a_password_confirms_who_has_no_second_factor():
    """It is not strong by that."""
    session = sitting(make_user(password=PASSWORD)[0])
    with pytest.raises(BadInput, match="This password is wrong"):
        doors.confirm_by_secret(session, "wrong", guest())
    token = doors.confirm_by_secret(session, PASSWORD, guest())

    assert confirmed(token)
    assert not sessions.by_token(token).strong


def test_a_password_does_not_confirm_who_has_a_second_factor():
    """Nor does nothing at all."""
    session = sitting(make_user(password=PASSWORD, app=True)[0])

    for secret in (PASSWORD, ""):
        with pytest.raises(WrongCode):
            doors.confirm_by_secret(session, secret, guest())


@pytest.mark.parametrize("secret", ["", "nobody has this password", "000000"])
def test_who_has_neither_password_nor_factor_confirms_with_no_secret(secret):
    """An empty one is none."""
    with pytest.raises(BadInput, match="This password is wrong"):
        doors.confirm_by_secret(sitting(make_user()[0]), secret, guest())


def test_a_code_of_the_app_confirms_once_and_makes_the_session_strong():
    """The same code cannot confirm another session."""
    user, seed = make_user(app=True)
    session, other = sitting(user), sitting(user)
    with pytest.raises(WrongCode):
        doors.confirm_by_secret(session, wrong_code(seed), guest())
    token = doors.confirm_by_secret(session, code_of(seed), guest())

    assert confirmed(token)
    assert sessions.by_token(token).strong
    with pytest.raises(WrongCode):
        doors.confirm_by_secret(other, code_of(seed), guest())


def test_a_recovery_code_confirms_and_is_told(outbox):
    """It may have been somebody else's hand."""
    user, _ = make_user(app=True)
    code = two_factor.new_recovery_codes(user.id)[0]

    assert confirmed(doors.confirm_by_secret(sitting(user), code, guest()))
    assert "recovery code was used" in outbox.last().body


def test_a_passkey_confirms_its_own_user_only():
    """With the challenge that was made for this user."""
    ada, bea = make_user()[0], make_user(OTHER_EMAIL)[0]
    hers, other = with_passkey(ada), with_passkey(bea)
    session = sitting(ada)
    stolen = other.show(passkeys.options_to_show(PLACE, bea.id))
    unasked = hers.show(passkeys.options_to_show(PLACE))
    for credential in (stolen, unasked):
        with pytest.raises(Refused):
            doors.confirm_by_secret(session, "", guest(), credential=credential, place=PLACE)
    shown = hers.show(passkeys.options_to_show(PLACE, ada.id))
    token = doors.confirm_by_secret(session, "", guest(), credential=shown, place=PLACE)

    assert confirmed(token)
    assert sessions.by_token(token).strong


def test_the_old_token_is_dead_after_it():
    """Whoever copied it before has nothing of it."""
    user, seed = make_user(app=True)
    old = sessions.start(user.id, strong=False, proved=False)
    doors.confirm_by_secret(sessions.by_token(old), code_of(seed), guest())

    assert sessions.by_token(old) is None
    assert len(audit.events(action="session.confirm")) == 1


def test_five_tries_are_made_in_five_minutes(clock):
    """The sixth is not looked at, though it were right."""
    user, seed = make_user(app=True)
    session = sitting(user)
    for number in range(5):
        with pytest.raises(WrongCode):
            doors.confirm_by_secret(session, wrong_code(seed), guest(address=f"198.51.{number}.1"))
    with pytest.raises(TooMany):
        doors.confirm_by_secret(session, code_of(seed), guest(address="198.51.99.1"))
    clock.shift(timedelta(minutes=5))

    assert doors.confirm_by_secret(session, code_of(seed), guest())
