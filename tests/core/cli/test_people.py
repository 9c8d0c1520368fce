"""obolo user: make, list, shut out, help."""

from __future__ import annotations

import re

import pytest

from core import audit, doors
from core.people import passkeys, sessions, tokens, two_factor, users
from tests.people import (
    EMAIL,
    OTHER_EMAIL,
    PLACE,
    Device,
    guest,
    make_user,
)

LINK = re.compile(r"(http://localhost:8000)/sign-in/link/(\S+)")


@pytest.fixture(autouse=True)
def _site(obolo, db):
    """Let a first command build the site, so that its keys are there."""
    assert obolo("user", "list").code == 0


def link_in(done):
    """Return the token of the link that a command printed."""
    return LINK.search(done.text)[2]


def entered(site_of, token):
    with site_of.app_context():
        return doors.enter_by_link(token, guest())


@pytest.fixture
def site(obolo):
    """Return what lets somebody in by a printed link."""
    from core import config
    from core.cli.opened import site as building

    return building.create_app(config.load(), immediate=True)


def test_a_user_is_made_and_signs_in_by_the_printed_link(obolo, site):
    """Once; no password is ever printed."""
    done = obolo("user", "create", " Ada@Example.org", "--role", "editor", "--name", "Ada")
    user = users.by_email(EMAIL)

    assert done.code == 0
    assert (user.role, user.name, user.password) == ("editor", "Ada", None)
    assert f"{user.id}  Ada@example.org  editor" in done.text
    token = link_in(done)
    assert sessions.by_token(entered(site, token).token).user == user.id
    with pytest.raises(doors.WrongCode):
        entered(site, token)


def test_a_user_is_a_reader_unless_said_otherwise(obolo):
    """And the log says that it was done here."""
    obolo("user", "create", EMAIL)

    assert users.by_email(EMAIL).role == "reader"
    assert audit.events(action="user.create")[0].actor == "cli"


@pytest.mark.parametrize("words", [
    ["no-address"], [EMAIL, "--role", "admin"], [EMAIL, "--name", "x" * 200],
])  # fmt: skip
def test_what_cannot_be_made_is_refused(obolo, words):
    """In words, and nobody is made."""
    assert obolo("user", "create", *words).code != 0
    assert users.listed() == []


def test_an_address_is_given_once(obolo):
    """Whoever has it stays as they are."""
    obolo("user", "create", EMAIL, "--name", "Ada")
    again = obolo("user", "create", EMAIL.upper(), "--role", "owner")

    assert again.code != 0
    assert "already" in str(again.error)
    assert (users.by_email(EMAIL).name, users.by_email(EMAIL).role) == ("Ada", "reader")


def test_users_are_listed_with_role_state_and_factor(obolo):
    """Staff can be asked for alone."""
    make_user(role="owner", app=True)
    reader, _ = make_user(OTHER_EMAIL)
    users.set_state(reader, "disabled", actor="test")
    nameless, _ = make_user("")
    everybody, staff = obolo("user", "list").text, obolo("user", "list", "--staff").text

    assert re.search(rf"{EMAIL} +owner +active +second factor", everybody)
    assert re.search(rf"{OTHER_EMAIL} +reader +disabled +-", everybody)
    assert re.search(rf"{nameless.id} +- ", everybody)
    assert [line.split()[1] for line in staff.splitlines()] == [EMAIL]


@pytest.mark.parametrize("by", ["email", "id"])
def test_who_is_shut_out_is_signed_out_and_can_be_let_in_again(obolo, by, outbox):
    """By address or id; both are told by mail."""
    user, _ = make_user()
    token = sessions.start(user.id, strong=False)
    name = getattr(user, by)

    assert obolo("user", "disable", name).code == 0
    assert not users.find(user.id).active
    assert sessions.by_token(token) is None
    assert obolo("user", "enable", name).code == 0
    assert users.find(user.id).active
    assert len(outbox.to(EMAIL)) == 2
    assert {event.actor for event in audit.events(subject=user.id, action="user.disabled")} == {
        "cli"
    }


def test_the_last_owner_is_not_shut_out(obolo):
    """Nobody could undo it in the browser."""
    owner, _ = make_user(role="owner", app=True)
    done = obolo("user", "disable", EMAIL)

    assert done.code != 0
    assert users.find(owner.id).active


@pytest.mark.parametrize("command", ["disable", "enable", "reset-factor"])
@pytest.mark.parametrize("name", ["nobody@example.org", "usr_nobody", ""])
def test_whom_nobody_knows_is_not_found(obolo, command, name):
    """In words."""
    done = obolo("user", command, name)

    assert done.code != 0
    assert str(done.error) == "There is no such user."


def test_whoever_lost_the_second_factor_starts_again_by_a_printed_link(obolo, site, outbox):
    """Nothing of the old factors counts, and all devices are signed out."""
    user, _ = make_user(role="author", app=True)
    two_factor.new_recovery_codes(user.id)
    passkeys.make(user.id, Device().make(passkeys.options_to_make(user.id, "", PLACE)), "", PLACE)
    token = sessions.start(user.id, strong=True)
    done = obolo("user", "reset-factor", EMAIL)

    assert done.code == 0
    assert not doors.is_protected(users.find(user.id))
    assert two_factor.recovery_left(user.id) == 0
    assert sessions.by_token(token) is None
    assert outbox.to(EMAIL)
    session = sessions.by_token(entered(site, link_in(done)).token)
    assert session.user == user.id
    assert session.permissions == frozenset()


def test_who_is_shut_out_gets_no_link(obolo):
    """It would let nobody in."""
    user, _ = make_user(app=True)
    users.set_state(user, "disabled", actor="test")
    done = obolo("user", "reset-factor", EMAIL)

    assert done.code == 0
    assert not LINK.search(done.text)
    assert not doors.is_protected(users.find(user.id))


def test_a_token_is_made_listed_and_revoked(obolo):
    """Its text is printed this once; what its user may not do, it may not."""
    user, _ = make_user(role="bookkeeper", app=True)
    made = obolo("token", "create", EMAIL, "orders.view", "--label", "Books", "--days", "7")
    token_id, text = made.text.split()
    listed = obolo("token", "list", user.id)

    assert tokens.is_token(text)
    assert tokens.by_text(text).scopes == {"orders.view"}
    assert token_id in listed.text
    assert "Books" in listed.text
    assert text not in listed.text
    assert obolo("token", "create", EMAIL, "settings.change").code != 0
    assert obolo("token", "revoke", EMAIL, token_id).code == 0
    assert obolo("token", "revoke", EMAIL, token_id).code != 0
    assert tokens.by_text(text) is None
