"""What all doors have in common: they tell nothing, and let nobody try for long."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import doors, limits
from core.doors.entering import WrongSecret
from core.errors import BadInput
from core.limits import TooMany
from core.people import sessions, users
from tests.knocking import asked, counted
from tests.people import EMAIL, OTHER_EMAIL, PASSWORD, digits_of, guest, make_user


@pytest.fixture(autouse=True)
def site(clock, make_site, outbox):
    """Open a site's doors."""
    app = make_site()
    with app.app_context():
        yield app


@pytest.mark.parametrize("more", [
    {"password": "short"}, {"password": "passwordpassword"}, {"password": "ada@example.org"},
    {"name": "x" * 200},
])  # fmt: skip
def test_what_cannot_be_taken_is_said_at_once_and_nothing_is_sent(outbox, more):
    """The same words whether the address is known or not."""
    make_user()
    said = []
    for email in (EMAIL, OTHER_EMAIL):
        with pytest.raises(BadInput) as refused:
            asked(email, **{key: text.replace(EMAIL, email) for key, text in more.items()})
        said.append(str(refused.value))

    assert said[0] == said[1]
    assert outbox.letters == []


def test_asking_tells_nobody_who_has_a_user_here(outbox, monkeypatch):
    """Known, unknown and shut out: the same kind of answer, one message, as many hashes."""
    make_user()
    users.set_state(make_user("off@example.org")[0], "disabled", actor="test")
    calls = counted(monkeypatch)
    seen = []
    for email in (EMAIL, OTHER_EMAIL, "off@example.org"):
        for more in ({}, {"password": PASSWORD, "name": "Eve"}):
            calls.clear()
            outbox.clear()
            id = asked(email, **more)
            seen.append((id[:4], len(id), len(outbox.to(email)), len(outbox.letters), len(calls)))

    assert seen[::2] == [("cod_", 36, 1, 1, 0)] * 3
    assert seen[1::2] == [("cod_", 36, 1, 1, 1)] * 3


def test_who_has_a_user_is_looked_up_after_the_answer(outbox, monkeypatch):
    """So its time cannot tell; the code counts as soon as its message is written."""
    make_user()
    with monkeypatch.context() as patch:
        patch.setattr(users, "by_email", lambda email: 1 / 0)
        acts = []
        id = asked(later=acts.append)
        assert outbox.letters == []
    for act in acts:
        act()

    admission = doors.enter_by_digits(id, digits_of(outbox.last(EMAIL)), guest())
    assert sessions.by_token(admission.token)


def test_a_wrong_password_tells_nobody_who_has_a_user_here(monkeypatch):
    """One answer and one hash for: nobody, wrong, without a password, shut out though right."""
    make_user(password=PASSWORD)
    make_user(OTHER_EMAIL)
    off, _ = make_user("off@example.org", password=PASSWORD)
    users.set_state(off, "disabled", actor="test")
    calls = counted(monkeypatch)
    seen = set()
    for email, password in (
        ("nobody@example.org", PASSWORD), (EMAIL, "wrong"), (OTHER_EMAIL, PASSWORD),
        (OTHER_EMAIL, ""), ("off@example.org", PASSWORD),
    ):  # fmt: skip
        calls.clear()
        with pytest.raises(BadInput) as refused:
            doors.enter_by_password(email, password, guest())
        seen.add((type(refused.value), str(refused.value), tuple(calls)))

    assert len(seen) == 1
    assert seen.pop()[2] == ("verify",)


@pytest.mark.parametrize("email", [EMAIL, OTHER_EMAIL])
def test_an_address_gets_three_codes_in_ten_minutes(clock, outbox, email):
    """From wherever they are asked for, whether it is known or not."""
    make_user()
    for number in range(3):
        asked(email, guest(address=f"198.51.{number}.1"))
    with pytest.raises(TooMany):
        asked(email, guest(address="198.51.9.1"))
    assert len(outbox.to(email)) == 3
    clock.shift(timedelta(minutes=10))

    asked(email)


def test_ten_passwords_are_tried_at_an_address_in_five_minutes():
    """From wherever; the eleventh is not looked at, though it were right."""
    make_user(password=PASSWORD)
    most = limits.DOORS["sign_in"].account[0].most
    for number in range(most):
        with pytest.raises(WrongSecret):
            doors.enter_by_password(EMAIL, "wrong", guest(address=f"198.51.{number}.1"))

    with pytest.raises(TooMany):
        doors.enter_by_password(EMAIL, PASSWORD, guest(address="198.51.99.1"))
