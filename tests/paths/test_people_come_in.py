"""People sign in by a code, a link, a password; and get a new password."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.paths.people import new_email

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("people")]
PASSWORD = "seven green lamps at noon"
OTHER = "nine blue boats at dawn"


def test_who_is_new_has_a_user_after_one_code(person):
    """Address, six digits, library: nothing else to fill in, and the address is in the profile."""
    email = person.signs_in()
    person.opens("/account/")

    person.is_at("Your user")
    expect(person.page.locator(".dek")).to_have_text(email)


def test_wrong_digits_are_announced_and_can_be_typed_again(person):
    """The error is an alert, the field says so, and the right digits still count."""
    letter = person.asks_for_code(new_email())
    person.types_code("000000" if letter.digits != "000000" else "111111")
    person.is_warned("This code does not count, or no longer. Take the newest one.")
    wrong = person.field("Six digits")

    expect(wrong).to_have_attribute("aria-invalid", "true")
    expect(wrong).to_have_attribute("aria-describedby", "error")
    person.types_code(f" {letter.digits[:3]} {letter.digits[3:]} ")
    person.is_at("Library")


def test_a_link_counts_by_its_button_only(person, elsewhere):
    """Opening it uses nothing up, however often; the button does, once."""
    letter = person.asks_for_code(new_email())
    for _ in range(2):
        elsewhere.opens(letter.link)
        elsewhere.is_at("Sign in here?")
    elsewhere.presses("Sign in")
    elsewhere.is_at("Library")

    elsewhere.opens(letter.link)
    elsewhere.is_at("This link no longer counts")
    person.types_code(letter.digits)
    person.is_warned("This code does not count, or no longer. Take the newest one.")


def test_what_is_no_address_is_said_at_the_field(person):
    """What the browser lets through, the site names; what was typed stays."""
    person.opens("/sign-in")
    person.page.locator("form.fields").first.evaluate("form => { form.noValidate = true }")
    person.types("E-mail address", "nobody at all")
    person.presses("Send me a code")
    person.is_warned("This is not an e-mail address.")

    expect(person.field("E-mail address")).to_have_value("nobody at all")
    expect(person.field("E-mail address")).to_have_attribute("aria-invalid", "true")


def signs_up(person):
    email = new_email()
    person.opens("/sign-in")
    person.follows("Sign up with a password")
    person.is_at("Sign up")
    person.types("E-mail address", email)
    person.types("Name (if you like)", "Ada")
    person.types("Password", PASSWORD)
    person.presses("Go on")
    person.types_code(person.site.code(email).digits)
    person.is_at("Library")
    return email


def by_password(person, email, password):
    person.opens("/sign-in")
    person.follows("With a password")
    person.types("E-mail address", email)
    person.types("Password", password)
    person.presses("Sign in")


def test_a_password_is_chosen_used_and_lost(person):
    """Sign up, sign out, sign in; a wrong one is refused; reset leads to a new one by a code."""
    email = signs_up(person)
    person.signs_out()
    by_password(person, email, OTHER)
    person.is_warned("E-mail address and password do not fit together.")
    expect(person.field("E-mail address")).to_have_value(email)
    by_password(person, email, PASSWORD)
    person.is_at("Library")
    notice = person.site.letter(email)
    assert person.says("A change to your user at %(site)s", site="Il Taccuino") == notice.subject
    person.signs_out()

    by_password(person, email, OTHER)
    person.follows("Forgot the password?")
    person.types("E-mail address", email)
    person.presses("Send me a code")
    person.types_code(person.site.code(email).digits)
    person.is_at("A new password")
    person.types("New password", OTHER)
    person.presses("Save")
    person.is_told("Your password is changed; your other devices were signed out.")
    assert person.says("Your password was changed.") in person.site.letter(email).body
    person.signs_out()
    by_password(person, email, PASSWORD)
    person.is_warned("E-mail address and password do not fit together.")
    by_password(person, email, OTHER)
    person.is_at("Library")


def test_a_short_password_is_refused_with_what_would_do(person):
    """Sign-up says how many characters it takes, keeps address and name, and sends nothing."""
    email = new_email()
    person.opens("/sign-up")
    person.types("E-mail address", email)
    person.types("Name (if you like)", "Ada")
    person.types("Password", "short")
    person.presses("Go on")

    told = person.says("Please take at least {least} characters; several words are fine.")
    expect(person.page.get_by_role("alert")).to_have_text(told.format(least=15))
    expect(person.field("E-mail address")).to_have_value(email)
    expect(person.field("Name (if you like)")).to_have_value("Ada")
    expect(person.field("Password")).to_have_value("")


def test_who_must_sign_in_first_comes_back_to_where_they_were_going(person):
    """A page of one's own leads to the door, and the door back to the page."""
    email = new_email()
    person.opens("/account/devices")
    person.is_at("Sign in")
    person.types("E-mail address", email)
    person.presses("Send me a code")
    person.types_code(person.site.code(email).digits)

    person.is_at("My devices")


def test_the_keyboard_is_enough_to_sign_in(person):
    """Tab and Enter lead from the address to the library; focus is seen on the way."""
    email = new_email()
    person.opens("/sign-in")
    page = person.page
    _tabs_to(page, "f-email")
    page.keyboard.type(email)
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineWidth") == "3px"
    page.keyboard.press("Enter")
    person.is_at("Type the code")
    _tabs_to(page, "f-code")
    page.keyboard.type(person.site.code(email).digits)
    page.keyboard.press("Enter")

    person.is_at("Library")


def _tabs_to(page, field):
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == field:
            return
    pytest.fail(f"the tab key does not reach {field} in twelve steps")
