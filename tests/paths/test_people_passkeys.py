"""Passkeys, with the authenticator that Chromium plays: add, sign in, prove it, remove."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.paths.people import somebody

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("people")]


def adds_passkey(person, name=""):
    person.opens("/account/second-factor")
    if name:
        person.types("Its name in this list (if you like)", name)
    person.presses("Add a passkey")
    person.is_told("The passkey is added.")


def buys_and_keeps(person):
    """Buy as a guest, and become a user by a passkey."""
    person.buys()
    person.opens("/library/")
    person.presses("Keep it with a passkey")
    expect(person.page.locator(".dek")).to_have_text(
        person.says("Everything that you have opened.")
    )


def test_a_passkey_is_added_used_and_removed(scripted):
    """It stands in the list, signs in without an address, is told of, and opens nothing after."""
    person = scripted
    person.puts_in_authenticator()
    email = person.signs_in()
    adds_passkey(person, "My key")
    expect(person.page.locator(".list")).to_contain_text("My key")
    assert person.says("A passkey was added.") in person.site.letter(email, about="no$").body
    person.signs_out()

    person.opens("/sign-in")
    person.presses("Use a passkey")
    person.is_at("Library")
    person.opens("/account/second-factor")
    person.presses("Remove %(name)s", name="My key")
    person.is_told("The passkey is removed.")
    expect(person.page.locator(".list")).to_have_count(0)
    person.signs_out()
    person.opens("/sign-in")
    person.presses("Use a passkey")
    expect(person.page.locator(".dek")).to_have_text(person.says("This passkey is not known here."))


def test_a_passkey_is_the_second_factor(scripted):
    """After a code by mail it is asked for; without it nobody is in."""
    person = scripted
    person.puts_in_authenticator()
    email = person.signs_in()
    adds_passkey(person)
    person.signs_out()
    person.types_code(person.asks_for_code(email).digits)
    person.is_at("And the second factor")
    person.presses("Use a passkey")
    person.is_at("Library")

    with somebody(person.page.context.browser, person.site, language=person.language) as thief:
        thief.types_code(thief.asks_for_code(email).digits)
        thief.is_at("And the second factor")
        thief.puts_in_authenticator()
        thief.presses("Use a passkey")
        thief.is_warned("The passkey was not used. You can try again, or take another way.")


def test_a_passkey_confirms_who_sits_there(scripted):
    """Step-up by passkey, and by a recovery code for who has lost it."""
    person = scripted
    person.puts_in_authenticator()
    person.signs_in()
    adds_passkey(person)
    person.presses("Make new recovery codes")
    recovery = person.page.locator(".recovery code").first.inner_text()
    for way in ("passkey", "recovery"):
        person.site.let_ten_minutes_go_by()
        person.opens("/account/password")
        person.is_at("Is it you?")
        if way == "passkey":
            person.presses("Use a passkey")
        else:
            person.page.get_by_text(person.says("Without the passkey")).click()
            person.types("Recovery code", recovery)
            person.presses("Go on")
        person.is_at("A new password")


def test_a_refused_passkey_leaves_another_way(scripted):
    """Whoever takes the finger away reads so, and the button can be pressed again."""
    person = scripted
    authenticator = person.puts_in_authenticator()
    person.signs_in()
    person.opens("/account/second-factor")
    authenticator.agrees(False)
    person.presses("Add a passkey")
    person.is_warned("No passkey was made. You can try again.")
    authenticator.agrees()
    person.presses("Add a passkey")

    person.is_told("The passkey is added.")


def test_the_first_passkey_of_a_guest_keeps_what_was_bought(scripted):
    """One tap in the library makes a user of a guest; the purchase comes along, and stays."""
    person = scripted
    person.puts_in_authenticator()
    buys_and_keeps(person)
    assert person.can_read()
    person.signs_out()
    assert not person.can_read()
    person.opens("/sign-in")
    person.presses("Use a passkey")
    person.is_at("Library")

    assert person.can_read()
    person.opens("/account/")
    person.is_told("You have no e-mail address here yet: your passkey is the only way in.")


def test_the_last_passkey_of_who_has_nothing_else_stays(scripted):
    """Nobody locks themselves out: an address must be there first."""
    person = scripted
    person.puts_in_authenticator()
    buys_and_keeps(person)
    person.opens("/account/second-factor")
    person.page.locator(".list button").click()

    expect(person.page.locator(".dek")).to_have_text(
        person.says("This is the only way in that counts; add another one first.")
    )


def test_without_scripts_no_passkey_is_offered(browser, site):
    """A button that could do nothing is not shown; every other way is."""
    with somebody(browser, site, scripts=False) as person:
        person.opens("/sign-in")
        assert not person.page.locator("[data-passkey]").is_visible()
        person.signs_in()
        person.opens("/account/second-factor")

        assert not person.page.locator("[data-passkey]").is_visible()
        person.adds_app()
