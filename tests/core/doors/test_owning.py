"""The first owner: a link that whoever started the site gets, once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import doors
from core.doors.owning import SHOWN_FOR
from core.errors import BadInput, Refused
from core.people import sessions, users
from core.storage import execute
from tests.people import EMAIL, OTHER_EMAIL, at_once, code_of, guest, make_user, slowed

pytestmark = pytest.mark.usefixtures("site")


def test_the_link_makes_the_owner_who_may_do_nothing_yet():
    """Staff need a second factor first."""
    admission = doors.make_owner(doors.owner_wanted(), f" {EMAIL}", "Ada", guest(language="it"))
    session = sessions.by_token(admission.token)
    owner = users.find(session.user)

    assert (owner.role, owner.email, owner.name, owner.language) == ("owner", EMAIL, "Ada", "it")
    assert session.permissions == frozenset()
    assert admission.to == "/account/second-factor"


def test_it_counts_once():
    """Looking at it does not count."""
    token = doors.owner_wanted()
    assert doors.can_own(token)
    assert doors.can_own(token)
    doors.make_owner(token, EMAIL, "", guest())

    assert not doors.can_own(token)
    with pytest.raises(Refused):
        doors.make_owner(token, OTHER_EMAIL, "", guest())
    assert users.by_email(OTHER_EMAIL) is None


def test_there_is_none_once_there_is_an_owner():
    """Nor do older links count, of which each start printed one."""
    first, second = doors.owner_wanted(), doors.owner_wanted()
    doors.make_owner(first, EMAIL, "", guest())

    assert doors.owner_wanted() == ""
    assert not doors.can_own(second)
    with pytest.raises(Refused):
        doors.make_owner(second, OTHER_EMAIL, "", guest())


def test_it_counts_for_a_day(clock):
    """To the microsecond; a new one can be printed."""
    token = doors.owner_wanted()
    clock.shift(SHOWN_FOR - timedelta(microseconds=1))
    assert timedelta(days=1) == SHOWN_FOR
    assert doors.can_own(token)
    clock.shift(timedelta(microseconds=1))

    assert not doors.can_own(token)
    with pytest.raises(Refused):
        doors.make_owner(token, EMAIL, "", guest())
    assert not users.has_owner()
    assert doors.make_owner(doors.owner_wanted(), EMAIL, "", guest()).token


@pytest.mark.parametrize("token", ["", "made-up"])
def test_who_has_no_link_makes_nobody(token):
    """Whatever stands in its place."""
    doors.owner_wanted()

    assert not doors.can_own(token)
    with pytest.raises(Refused):
        doors.make_owner(token, EMAIL, "", guest())
    assert users.listed() == []


def test_two_links_that_are_used_at_once_make_one_owner(monkeypatch):
    """Two people in two browsers; they wait for each other, however long one of them looks."""
    tokens = [doors.owner_wanted(), doors.owner_wanted()]
    slowed(monkeypatch, users, "has_owner")
    emails = [EMAIL, OTHER_EMAIL]
    answers = at_once(lambda n: doors.make_owner(tokens[n], emails[n], "", guest()), 2)

    assert sum(isinstance(one, doors.Admission) for one in answers) == 1
    assert sum(isinstance(one, Refused) for one in answers) == 1
    assert [one.role for one in users.listed()] == ["owner"]


def test_one_link_that_is_sent_at_once_makes_one_owner():
    """An impatient finger makes no second user."""
    token = doors.owner_wanted()
    answers = at_once(lambda n: doors.make_owner(token, f"{n}@example.org", "", guest()), 4)

    assert sum(isinstance(one, doors.Admission) for one in answers) == 1
    assert len(users.listed()) == 1


@pytest.mark.parametrize(("email", "name"), [("no address", "Ada"), (EMAIL, "x" * 200)])
def test_what_cannot_be_taken_leaves_the_link_as_it_was(email, name):
    """A typo is corrected on the same page."""
    token = doors.owner_wanted()
    with pytest.raises(BadInput):
        doors.make_owner(token, email, name, guest())

    assert doors.can_own(token)
    assert users.listed() == []


def test_a_reader_who_is_there_already_becomes_the_owner():
    """With the second factor that they have; the link does not skip it."""
    user, seed = make_user(app=True)
    admission = doors.make_owner(doors.owner_wanted(), EMAIL, "", guest())
    assert admission.pending
    assert not admission.token
    done = doors.pass_second(admission.pending, code_of(seed), guest())

    assert users.find(user.id).role == "owner"
    assert "people.manage" in sessions.by_token(done.token).permissions


def test_an_owner_who_was_shut_out_by_hand_is_none():
    """Whoever has the machine can print a new link."""
    doors.make_owner(doors.owner_wanted(), EMAIL, "", guest())
    execute("UPDATE people_user SET state = 'disabled'")

    assert doors.can_own(doors.owner_wanted())
