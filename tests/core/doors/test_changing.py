"""Changes of what a user signs in with: proved first, told afterwards, nobody locked out."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import audit, doors, mail
from core.doors import WrongCode
from core.errors import BadInput, NotFound, Refused
from core.people import codes, passkeys, sessions, two_factor, users
from tests.people import (
    EMAIL,
    OTHER_EMAIL,
    PLACE,
    Broken,
    Device,
    at_once,
    code_of,
    digits_of,
    guest,
    kept,
    make_user,
    slowed,
    wrong_code,
    wrong_digits,
)

NEW = "ada@new.example.org"

pytestmark = pytest.mark.usefixtures("site")


def sitting(user):
    return sessions.by_token(sessions.start(user.id, strong=True))


def with_passkey(user):
    device = Device()
    options = passkeys.options_to_make(user.id, "", PLACE)
    return passkeys.make(user.id, device.make(options), "", PLACE)


def offered(user):
    """Return the token and secret of an app that was offered."""
    return doors.offer_app(user)


@pytest.fixture
def ada(site):
    return make_user(language="it")[0]


def test_an_address_is_changed_once_it_was_proved_to_be_read(outbox, ada):
    """The code goes to the new one and nowhere else."""
    session = sitting(ada)
    id = doors.ask_new_email(session, f" {NEW}", guest())
    assert [letter.recipient for letter in outbox.letters] == [NEW]
    assert users.find(ada.id).email == EMAIL
    doors.take_new_email(session, id, digits_of(outbox.last(NEW)), guest())

    assert users.by_email(NEW).id == ada.id
    assert users.by_email(EMAIL) is None


def test_both_addresses_are_told_of_the_change(outbox, ada):
    """Whoever lost theirs reads it at the old one."""
    session = sitting(ada)
    id = doors.ask_new_email(session, NEW, guest())
    digits = digits_of(outbox.last(NEW))
    outbox.clear()
    doors.take_new_email(session, id, digits, guest())

    assert sorted(letter.recipient for letter in outbox.letters) == sorted([EMAIL, NEW])
    assert outbox.to(EMAIL)[0].body == outbox.to(NEW)[0].body
    assert outbox.to(EMAIL)[0].language == "it"


def test_wrong_digits_change_no_address(outbox, ada):
    """Nor do digits twice, nor a code of another user."""
    session, bea = sitting(ada), make_user(OTHER_EMAIL)[0]
    id = doors.ask_new_email(session, NEW, guest())
    digits = digits_of(outbox.last(NEW))
    with pytest.raises(WrongCode):
        doors.take_new_email(session, id, wrong_digits(outbox.last(NEW)), guest())
    with pytest.raises(WrongCode):
        doors.take_new_email(sitting(bea), id, digits, guest())

    assert (users.find(ada.id).email, users.find(bea.id).email) == (EMAIL, OTHER_EMAIL)


def test_another_user_s_address_is_refused_only_to_who_reads_it(outbox, ada):
    """Asking is answered as for any other; nothing is changed or told."""
    make_user(OTHER_EMAIL)
    session = sitting(ada)
    id = doors.ask_new_email(session, OTHER_EMAIL, guest())
    digits = digits_of(outbox.last(OTHER_EMAIL))
    outbox.clear()

    with pytest.raises(BadInput, match="already"):
        doors.take_new_email(session, id, digits, guest())
    assert users.find(ada.id).email == EMAIL
    assert outbox.letters == []


def test_an_app_is_kept_once_it_shows_the_right_code(outbox, ada):
    """Ten recovery codes come with it, and a message tells of it."""
    token, seed = offered(ada)
    recovery = doors.take_app(sitting(ada), token, code_of(seed), guest())

    assert users.find(ada.id).totp_since is not None
    assert len(recovery) == two_factor.recovery_left(ada.id) == 10
    assert two_factor.burn(ada.id, recovery[0])
    assert "app" in outbox.last().body


def test_an_app_that_shows_a_wrong_code_is_offered_still(outbox, ada):
    """A typo is no reason to scan again; nothing is changed by it."""
    token, seed = offered(ada)
    with pytest.raises(WrongCode):
        doors.take_app(sitting(ada), token, wrong_code(seed), guest())
    assert users.find(ada.id).totp_since is None
    assert outbox.letters == []

    assert doors.take_app(sitting(ada), token, code_of(seed), guest())


def test_an_offer_that_still_waits_is_the_same_for_its_user(clock, ada):
    """A page that is drawn again shows the same picture, to nobody else and not for ever."""
    bea, _ = make_user(OTHER_EMAIL)
    offer = offered(ada)

    assert doors.offer_app(ada, offer[0]) == offer
    for user, token in ((bea, offer[0]), (ada, "made-up"), (ada, "")):
        assert not set(doors.offer_app(user, token)) & set(offer)
    clock.shift(codes.LASTS)
    assert not set(doors.offer_app(ada, offer[0])) & set(offer)


def test_an_offer_of_an_app_counts_once_for_its_user_and_not_for_long(clock, ada):
    """The secret that was on a screen is no way in later."""
    bea, _ = make_user(OTHER_EMAIL)
    token, seed = offered(ada)
    late, late_seed = offered(ada)
    with pytest.raises(WrongCode):
        doors.take_app(sitting(bea), token, code_of(seed), guest())
    doors.take_app(sitting(ada), token, code_of(seed), guest())
    with pytest.raises(WrongCode):
        doors.take_app(sitting(ada), token, code_of(seed), guest())
    clock.shift(codes.LASTS)

    with pytest.raises(WrongCode):
        doors.take_app(sitting(ada), late, code_of(late_seed), guest())


def test_an_offer_that_is_taken_twice_at_once_gives_codes_that_count(monkeypatch, ada):
    """Whoever answered last: the codes that a page showed last are not void."""
    token, seed = offered(ada)
    session = sitting(ada)
    slowed(monkeypatch, codes, "waits")
    answers = at_once(lambda n: doors.take_app(session, token, code_of(seed), guest()), 2)
    shown = [one for one in answers if isinstance(one, list)]

    assert len(shown) == 1
    assert two_factor.burn(ada.id, shown[0][0])


def test_a_reader_may_remove_the_app(outbox, ada):
    """Recovery codes go with it, and a message tells of it."""
    user, _ = make_user(OTHER_EMAIL, app=True)
    two_factor.new_recovery_codes(user.id)
    doors.remove_app(sitting(user), guest())

    assert users.find(user.id).totp_since is None
    assert two_factor.recovery_left(user.id) == 0
    assert "removed" in outbox.last(OTHER_EMAIL).body


def test_staff_keep_one_factor(outbox, site):
    """With a passkey beside it the app may go, and the last passkey may not."""
    user, _ = make_user(role="author", app=True)
    with pytest.raises(Refused):
        doors.remove_app(sitting(user), guest())
    key = with_passkey(user)
    doors.remove_app(sitting(user), guest())
    with pytest.raises(Refused):
        doors.remove_passkey(sitting(user), key.id, guest())

    assert [one.id for one in passkeys.of_user(user.id)] == [key.id]


def test_a_reader_may_remove_a_passkey(outbox, ada):
    """Their own only; a message tells of it."""
    key = with_passkey(ada)
    bea, _ = make_user(OTHER_EMAIL)
    with pytest.raises(NotFound):
        doors.remove_passkey(sitting(bea), key.id, guest())
    assert outbox.letters == []
    doors.remove_passkey(sitting(ada), key.id, guest())

    assert passkeys.of_user(ada.id) == []
    assert outbox.last().recipient == EMAIL


def test_who_has_no_address_keeps_the_last_passkey(site):
    """It is their only way in."""
    user, _ = make_user("")
    first, second = with_passkey(user), with_passkey(user)
    doors.remove_passkey(sitting(user), first.id, guest())

    with pytest.raises(Refused):
        doors.remove_passkey(sitting(user), second.id, guest())


def test_whoever_lost_all_factors_is_helped_and_signed_out_everywhere(outbox, site):
    """App, codes and passkeys are gone; a message tells of it; the log names who did it."""
    user, _ = make_user(app=True)
    with_passkey(user)
    with_passkey(user)
    two_factor.new_recovery_codes(user.id)
    sitting(user)
    doors.reset_factors(user, actor="cli")

    assert not doors.is_protected(users.find(user.id))
    assert two_factor.recovery_left(user.id) == 0
    assert sessions.of_user(user.id) == []
    assert len(outbox.to(EMAIL)) == 1
    assert {event.actor for event in audit.events(action="user.passkey_off")} == {"cli"}


def test_who_is_shut_out_is_signed_out_everywhere_and_told(outbox, ada):
    """Letting in again is told, too."""
    token = sessions.start(ada.id, strong=False)
    doors.set_state(ada, "disabled", actor="test")
    assert sessions.by_token(token) is None
    doors.set_state(users.find(ada.id), "active", actor="test")

    assert sessions.by_token(token) is None
    assert len(outbox.to(EMAIL)) == 2


def test_an_owner_who_cannot_be_shut_out_stays_signed_in(outbox, site):
    """All or nothing."""
    owner, _ = make_user(role="owner", app=True)
    token = sessions.start(owner.id, strong=True)
    with pytest.raises(BadInput):
        doors.set_state(owner, "disabled", actor="test")

    assert sessions.by_token(token) is not None
    assert outbox.letters == []


def new_email(user):
    issued = codes.issue("email", {"user": user.id, "email": NEW})
    session = sitting(user)
    return lambda: doors.take_new_email(session, issued.id, issued.digits, guest())


def new_app(user):
    two_factor.remove(user, actor="test")
    (token, seed), session = offered(user), sitting(user)
    return lambda: doors.take_app(session, token, code_of(seed), guest())


def no_app(user):
    session = sitting(user)
    return lambda: doors.remove_app(session, guest())


def no_passkey(user):
    key, session = with_passkey(user), sitting(user)
    return lambda: doors.remove_passkey(session, key.id, guest())


@pytest.mark.parametrize("prepare", [
    new_email, new_app, no_app, no_passkey,
    lambda user: lambda: doors.reset_factors(user, actor="cli"),
    lambda user: lambda: doors.set_state(user, "disabled", actor="test"),
])  # fmt: skip
def test_no_change_is_made_that_is_not_told(monkeypatch, clock, site, prepare):
    """Message and change are stored together, or neither is."""
    user, _ = make_user(app=True)
    act = prepare(user)
    clock.shift(timedelta(minutes=5))
    monkeypatch.setattr("tests.people.TABLES", ("user", "session", "passkey", "recovery"))
    before = kept()

    def fail(*_words, **_more):
        raise Broken

    monkeypatch.setattr(mail, "send", fail)
    with pytest.raises(Broken):
        act()
    assert kept() == before
