"""Sign up and sign in: by code, link, password and passkey; nothing is told to who only asks."""

from __future__ import annotations

from datetime import timedelta

import pytest
from argon2 import PasswordHasher

from core import doors
from core.doors import WrongCode
from core.doors.entering import INVITED_FOR, WrongSecret
from core.errors import Refused
from core.ledger import Leg, balance, post
from core.people import codes, contacts, passkeys, sessions, two_factor, users
from core.storage import execute, transaction
from tests.knocking import asked, entered, signed_in_as
from tests.people import (
    EMAIL,
    OTHER_EMAIL,
    PASSWORD,
    PLACE,
    Device,
    at_once,
    code_of,
    digits_of,
    guest,
    make_user,
    slowed,
    token_of,
    wrong_code,
    wrong_digits,
)
from tests.stand_in import eur

pytestmark = pytest.mark.usefixtures("site")


def test_who_reads_the_digits_comes_in_and_has_a_user(outbox):
    """In the language in which they asked, and led to where they wanted."""
    who = guest(language="it")
    admission = entered(outbox, who=who, to="/hello")
    user = signed_in_as(admission)

    assert (user.email, user.language, user.role) == (EMAIL, "it", "reader")
    assert admission.to == "/hello"
    assert not sessions.by_token(admission.token).strong
    assert [letter.language for letter in outbox.letters] == ["it"]


def test_who_opens_the_link_and_presses_the_button_comes_in_once(outbox):
    """Looking at it, as mail scanners do, uses nothing up."""
    asked()
    token = token_of(outbox.last())
    assert [doors.waiting(token) for _ in range(3)] == [True] * 3
    assert signed_in_as(doors.enter_by_link(token, guest())).email == EMAIL

    assert not doors.waiting(token)
    with pytest.raises(WrongCode):
        doors.enter_by_link(token, guest())


def test_wrong_digits_let_nobody_in_and_make_nobody(outbox):
    """Nor do digits that were used."""
    id = asked()
    with pytest.raises(WrongCode):
        doors.enter_by_digits(id, wrong_digits(outbox.last()), guest())
    assert users.by_email(EMAIL) is None

    doors.enter_by_digits(id, digits_of(outbox.last()), guest())
    with pytest.raises(WrongCode):
        doors.enter_by_digits(id, digits_of(outbox.last()), guest())
    assert len(execute("SELECT id FROM people_session").fetchall()) == 1


def test_a_code_for_something_else_lets_nobody_in(outbox):
    """Each kind of proof has its door."""
    user, _ = make_user()
    for purpose in ("confirm", "email", "second", "device", "setup"):
        issued = codes.issue(purpose, {"user": user.id, "email": EMAIL, "to": "/"})
        with pytest.raises(WrongCode):
            doors.enter_by_digits(issued.id, issued.digits, guest())
        with pytest.raises(WrongCode):
            doors.enter_by_link(issued.token, guest())


def test_a_second_visit_finds_the_same_user(outbox):
    """However the address is written."""
    first = signed_in_as(entered(outbox))
    again = signed_in_as(doors.enter_by_digits(
        asked("ADA@Example.org"), digits_of(outbox.last("ADA@example.org")), guest()
    ))  # fmt: skip

    assert first.id == again.id
    assert len(users.listed()) == 1


def test_codes_of_one_address_used_at_once_make_one_user(outbox):
    """The unique index decides, and both come in."""
    ids = [(asked(), digits_of(outbox.last())) for _ in range(3)]
    answers = at_once(lambda n: doors.enter_by_digits(*ids[n], guest()), 3)

    assert len({signed_in_as(one).id for one in answers}) == 1
    assert len(users.listed()) == 1


def test_who_signs_up_with_a_password_and_a_name_has_both(outbox):
    """Once the address is proved, not before."""
    asked(password=PASSWORD, name="Ada")
    assert users.listed() == []
    doors.enter_by_link(token_of(outbox.last()), guest())

    assert users.by_email(EMAIL).name == "Ada"
    assert signed_in_as(doors.enter_by_password(EMAIL, PASSWORD, guest())).email == EMAIL


def test_signing_up_with_a_known_address_changes_nothing(outbox):
    """Neither password nor name; only who reads the message learns why."""
    before, _ = make_user(password=PASSWORD, name="Ada")
    entered(outbox, password="nine yellow lanterns hum", name="Eve")

    assert users.find(before.id) == before
    assert "password stays as it is" in outbox.last().body
    with pytest.raises(WrongSecret):
        doors.enter_by_password(EMAIL, "nine yellow lanterns hum", guest())


def test_an_old_hash_is_renewed_when_its_password_is_typed():
    """Only then is the password at hand."""
    user, _ = make_user()
    old = PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1).hash(PASSWORD)
    users.set_password(user, old, actor="test")
    with pytest.raises(WrongSecret):
        doors.enter_by_password(EMAIL, "wrong", guest())
    assert users.find(user.id).password == old
    doors.enter_by_password(EMAIL, PASSWORD, guest())

    assert "m=19456,t=2,p=1" in users.find(user.id).password
    assert doors.enter_by_password(EMAIL, PASSWORD, guest()).token


def test_a_sign_in_by_password_is_told_by_mail(outbox):
    """With the device; who only knows a password may not be the user."""
    make_user(password=PASSWORD)
    doors.enter_by_password(EMAIL, PASSWORD, guest())

    assert "signed in with your password: Firefox, Android" in outbox.last().body


def test_who_is_shut_out_does_not_come_in(outbox):
    """Whatever they prove; nobody is signed in and nothing is claimed."""
    user, _ = make_user()
    device = Device()
    passkeys.make(user.id, device.make(passkeys.options_to_make(user.id, "", PLACE)), "", PLACE)
    users.set_state(user, "disabled", actor="test")

    with pytest.raises(Refused):
        entered(outbox, who=guest("gst_1"))
    options = doors.ask_passkey("", PLACE, guest())
    with pytest.raises(Refused):
        doors.enter_by_passkey(device.show(options), PLACE, guest("gst_1"))
    assert execute("SELECT * FROM people_session").fetchall() == []
    assert users.claimant("gst_1") is None


WAYS = {
    "digits": lambda outbox: entered(outbox, to="/account/password"),
    "link": lambda outbox: (
        asked(to="/account/password") and doors.enter_by_link(token_of(outbox.last()), guest())
    ),
    "password": lambda outbox: doors.enter_by_password(EMAIL, PASSWORD, guest()),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_no_way_skips_the_second_factor(outbox, way):
    """A reset, which is a code that leads to a new password, neither."""
    _, seed = make_user(password=PASSWORD, app=True)
    admission = way(outbox)

    assert admission.pending
    assert not admission.token
    assert execute("SELECT * FROM people_session").fetchall() == []
    assert not [one for one in outbox.letters if "signed in" in one.body]
    done = doors.pass_second(admission.pending, code_of(seed), guest())
    assert sessions.by_token(done.token).strong
    assert done.to == admission.to


def pending(outbox):
    """Return what waits for a second factor, and the secret of the app."""
    user, seed = make_user(password=PASSWORD, app=True)
    return doors.enter_by_password(EMAIL, PASSWORD, guest()).pending, seed, user


def test_a_wrong_second_factor_is_refused_five_times_at_most(clock, outbox):
    """Then it starts again with the first one."""
    token, seed, _ = pending(outbox)
    for number in range(5):
        clock.shift(timedelta(minutes=1) if number == 4 else timedelta())
        with pytest.raises(WrongCode):
            doors.pass_second(token, wrong_code(seed), guest())
    clock.shift(timedelta(minutes=5))  # a new window of the limits

    with pytest.raises(Refused, match="again"):
        doors.pass_second(token, code_of(seed), guest())


def test_what_waits_for_a_second_factor_counts_once_and_not_for_long(clock, outbox):
    """A code that was right leaves nothing to come back to."""
    token, seed, _ = pending(outbox)
    late = doors.enter_by_password(EMAIL, PASSWORD, guest()).pending
    doors.pass_second(token, code_of(seed), guest())
    clock.shift(timedelta(seconds=30))
    with pytest.raises(Refused):
        doors.pass_second(token, code_of(seed), guest())
    clock.shift(timedelta(minutes=15))

    with pytest.raises(Refused):
        doors.pass_second(late, code_of(seed), guest())


def test_one_code_sent_at_once_lets_one_in(monkeypatch, outbox):
    """The app's step is stored by one conditional UPDATE."""
    token, seed, _ = pending(outbox)
    slowed(monkeypatch, codes, "waits")
    answers = at_once(lambda n: doors.pass_second(token, code_of(seed), guest()), 5)

    assert sum(isinstance(one, doors.Admission) for one in answers) == 1
    assert len(execute("SELECT id FROM people_session").fetchall()) == 1


def test_a_recovery_code_takes_the_app_s_place_and_is_told(outbox):
    """Once, and the message says so."""
    token, _, user = pending(outbox)
    code = two_factor.new_recovery_codes(user.id)[0]
    again = doors.enter_by_password(EMAIL, PASSWORD, guest()).pending

    assert signed_in_as(doors.pass_second(token, code, guest())).id == user.id
    assert "recovery code was used" in outbox.last().body
    with pytest.raises(WrongCode):
        doors.pass_second(again, code, guest())


def test_a_passkey_is_a_second_factor_of_its_own_user_only(outbox):
    """One of somebody else does not help."""
    token, _, user = pending(outbox)
    other, _ = make_user(OTHER_EMAIL)
    devices = Device(), Device()
    for device, one in zip(devices, (user, other), strict=True):
        passkeys.make(one.id, device.make(passkeys.options_to_make(one.id, "", PLACE)), "", PLACE)
    options = doors.ask_passkey(token, PLACE, guest())
    answer = devices[1].show_key(*devices[1].keys, options)
    with pytest.raises(Refused):
        doors.pass_second(token, "", guest(), credential=answer, place=PLACE)
    answer = devices[0].show(doors.ask_passkey(token, PLACE, guest()))

    assert doors.pass_second(token, "", guest(), credential=answer, place=PLACE).token


def test_who_is_let_in_has_what_this_browser_held(outbox):
    """Each holder once; a balance moves by one entry, and only the first time."""
    with transaction():
        post("gift", [Leg("assets:cash", eur(100)), Leg("liabilities:purse:gst_1", eur(-100))],
             reason="gift")  # fmt: skip
    user = signed_in_as(entered(outbox, who=guest("gst_1", "gst_2")))
    doors.enter_by_digits(asked(), digits_of(outbox.last()), guest("gst_1"))

    assert users.claimed_by(user.id) == ["gst_1", "gst_2"]
    assert balance(f"liabilities:purse:{user.id}", "EUR") == eur(-100)
    assert balance("liabilities:purse:gst_1", "EUR") == eur(0)


def test_what_somebody_claimed_stays_theirs(outbox):
    """The next at the same browser gets neither the things nor the balance."""
    first = signed_in_as(entered(outbox, who=guest("gst_1")))
    with transaction():
        post("late", [Leg("assets:cash", eur(50)), Leg("liabilities:purse:gst_1", eur(-50))],
             reason="gift")  # fmt: skip
    second = signed_in_as(entered(outbox, OTHER_EMAIL, guest("gst_1")))

    assert users.claimant("gst_1") == first.id
    assert users.claimed_by(second.id) == []
    assert balance(f"liabilities:purse:{second.id}", "EUR") == eur(0)


def test_guests_of_an_address_are_claimed_by_who_proves_to_read_it(outbox):
    """Not by who only knows the password, and not before a second factor was shown."""
    contacts.keep("gst_old", EMAIL, "en")
    user, seed = make_user(password=PASSWORD, app=True)
    waits = doors.enter_by_password(EMAIL, PASSWORD, guest()).pending
    doors.pass_second(waits, code_of(seed), guest())
    assert users.claimed_by(user.id) == []
    admission = entered(outbox)
    assert users.claimed_by(user.id) == []

    doors.pass_second(admission.pending, code_of(seed, steps=1), guest())
    assert users.claimed_by(user.id) == ["gst_old"]


def test_a_passkey_is_password_and_second_factor_in_one():
    """A guest who makes one has a user, and needs no address."""
    device, who = Device(), guest("gst_1")
    made = device.make(doors.ask_first_passkey(PLACE, who))
    first = doors.enter_by_first_passkey(made, PLACE, who)
    user = signed_in_as(first)
    again = doors.enter_by_passkey(device.show(doors.ask_passkey("", PLACE, who)), PLACE, who)

    assert (user.email, users.claimed_by(user.id)) == ("", ["gst_1"])
    assert signed_in_as(again).id == user.id
    assert sessions.by_token(again.token).strong
    assert passkeys.of_user(user.id)[0].name == "Firefox, Android"
    with pytest.raises(Refused):
        doors.enter_by_first_passkey(made, PLACE, who)
    assert len(users.listed()) == 1


def test_a_first_passkey_for_another_place_makes_nobody():
    """User and passkey are stored together."""
    made = Device(origin="https://evil.example").make(doors.ask_first_passkey(PLACE, guest()))

    with pytest.raises(Refused):
        doors.enter_by_first_passkey(made, PLACE, guest())
    assert users.listed() == []


def test_a_first_passkey_is_for_no_user_who_exists():
    """What a user was asked for in their own pages makes nobody and lets nobody in."""
    user, _ = make_user()
    made = Device().make(passkeys.options_to_make(user.id, "", PLACE))

    with pytest.raises(Refused):
        doors.enter_by_first_passkey(made, PLACE, guest())
    assert passkeys.of_user(user.id) == []


def test_who_is_invited_comes_in_once_within_a_week(clock, outbox):
    """By id: also when the address was changed in the meantime."""
    user, _ = make_user(role="author")
    doors.send_invitation(user, "http://localhost/sign-in/link/{}".format)
    late = doors.invite(user)
    users.set_email(user, OTHER_EMAIL, actor="test")
    clock.shift(INVITED_FOR - timedelta(seconds=1))
    token = token_of(outbox.last())

    assert timedelta(days=7) == INVITED_FOR
    assert signed_in_as(doors.enter_by_link(token, guest())).id == user.id
    clock.shift(timedelta(seconds=1))
    for over in (token, late):
        with pytest.raises(WrongCode):
            doors.enter_by_link(over, guest())


def test_who_signs_out_is_signed_out_here_only(outbox):
    """Their other devices stay."""
    here, there = entered(outbox), entered(outbox)
    doors.leave(sessions.by_token(here.token), "203.0.113.9")

    assert sessions.by_token(here.token) is None
    assert sessions.by_token(there.token) is not None
