"""Messages to users: every change that somebody else could have made is told, in their words."""

from __future__ import annotations

import pytest

from core.doors import notify
from core.doors.notifying import NEWS, send_code, send_link
from core.people import users
from core.storage import transaction
from tests.people import EMAIL, OTHER_EMAIL, make_user, undone

pytestmark = pytest.mark.usefixtures("site")

CHANGES = {
    "password", "email", "totp_on", "totp_off", "recovery_new", "recovery_used", "passkey_on",
    "passkey_off", "sign_in", "device", "sign_out", "role", "disabled", "active", "erased", "token",
}  # fmt: skip


def test_these_changes_are_told():
    """Written out a second time, so that one that is lost is seen."""
    assert set(NEWS) == CHANGES


@pytest.mark.parametrize("news", sorted(CHANGES))
def test_a_message_says_what_changed_and_what_to_do(outbox, news):
    """And at which site; it carries no link, so that nobody learns to press one."""
    notify(make_user()[0], news, device="Firefox, Android")
    letter = outbox.last(EMAIL)

    assert letter.body.startswith(NEWS[news].replace("%(device)s", "Firefox, Android"))
    assert "If not, sign in" in letter.body
    assert "http" not in letter.body
    assert letter.subject == "A change to your user at Obolo"


@pytest.mark.parametrize("news", sorted(CHANGES))
def test_it_is_written_in_the_user_s_language(outbox, news):
    """Every sentence of it has its translation."""
    notify(make_user(language="it")[0], news, device="Firefox, Android")
    letter = outbox.last(EMAIL)

    assert letter.language == "it"
    assert NEWS[news].partition(":")[0].rstrip(".") not in letter.body
    assert "If not" not in letter.body
    assert "A change" not in letter.subject


def test_a_device_without_a_name_has_words(outbox):
    """A browser may say nothing of itself."""
    notify(make_user()[0], "sign_in")

    assert "an unknown device" in outbox.last(EMAIL).body


def test_who_has_no_address_is_told_nothing(outbox):
    """And nothing fails by that."""
    notify(make_user("")[0], "passkey_off")

    assert outbox.letters == []


def test_a_message_may_go_to_an_address_that_is_no_longer_the_user_s(outbox):
    """The old one hears of the new one."""
    notify(make_user()[0], "email", email=OTHER_EMAIL)

    assert [letter.recipient for letter in outbox.letters] == [OTHER_EMAIL]


def test_a_message_is_part_of_the_change(outbox):
    """What is rolled back is not told."""
    user, _ = make_user()
    undone(lambda: notify(user, "password"))

    assert outbox.letters == []


def test_the_last_message_does_not_depend_on_the_person_s_key(outbox):
    """That is destroyed in the same moment; all others are sealed by it."""
    user, _ = make_user()
    notify(user, "password")
    notify(user, "erased")

    assert [letter.holder for letter in outbox.letters] == [user.id, ""]


def test_a_code_s_message_has_the_digits_in_front(outbox):
    """A telephone shows the first words, and fills them in by itself."""
    with transaction():
        send_code(EMAIL, "012345", "http://localhost/x", language="en", holder="")
    letter = outbox.last(EMAIL)

    assert letter.subject == "012345 is your code for Obolo"
    assert letter.body.startswith("012345\n")
    assert "http://localhost/x" in letter.body
    assert "15 minutes" in letter.body


def test_a_code_without_a_link_has_none(outbox):
    """One that confirms is typed where it was asked for."""
    send_code(EMAIL, "012345", "", language="it", holder="")

    assert "indirizzo" not in outbox.last(EMAIL).body
    assert "Type this" not in outbox.last(EMAIL).body


def test_an_invitation_carries_its_link(outbox):
    """And says how long it counts."""
    user = users.create(email=EMAIL, role="author")
    send_link(user, "http://localhost/sign-in/link/x")

    assert "http://localhost/sign-in/link/x" in outbox.last(EMAIL).body
    assert "week" in outbox.last(EMAIL).body
