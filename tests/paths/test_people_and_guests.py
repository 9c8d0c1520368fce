"""What a guest bought is not lost: by e-mail, by a picture on another device, in every list."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.paths.people import new_email

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("people")]


def gives_email(person):
    """Give an address in the library, and type the code that comes."""
    email = new_email()
    person.opens("/library/")
    person.types("E-mail address", email)
    person.presses("Send me a code")
    person.is_at("Type the code")
    person.types_code(person.site.code(email).digits)
    person.is_at("Library")
    return email


def bought(person):
    """Return what the library lists."""
    person.opens("/library/")
    if person.says("Nothing yet. What you buy appears here.") in person.page.inner_text("main"):
        return []
    return person.page.locator("main .list a").evaluate_all("all => all.map(a => a.href)")


def test_a_guests_purchase_becomes_a_users_and_is_found_elsewhere(person, elsewhere):
    """Bought as a guest, kept by a code: the same list after sign-out, in a second browser."""
    person.buys()
    before = bought(person)
    assert len(before) == 2
    email = gives_email(person)
    assert bought(person) == before
    assert person.can_read()
    person.signs_out()
    assert not person.can_read()
    assert bought(person) == []

    elsewhere.signs_in(email)
    assert bought(elsewhere) == before
    assert elsewhere.can_read()
    elsewhere.page.goto(before[-1])
    elsewhere.is_at("Receipt")


def test_a_second_guests_purchase_is_added_to_the_first(person, elsewhere):
    """Two browsers, one address: after both codes each shows both, and nothing twice."""
    person.buys()
    email = gives_email(person)
    elsewhere.buys()
    elsewhere.signs_in(email)

    together = bought(elsewhere)
    assert len(together) == len(set(together)) == 3  # one text and two receipts
    assert bought(person) == together


def test_a_receipt_comes_by_mail_once_there_is_an_address(person):
    """The next purchase of somebody who gave an address is confirmed by a message."""
    person.signs_in(email := new_email())
    person.buys()
    letter = person.site.letter(email, about="5[.,]00")

    subject = person.says("Receipt from %(site)s: %(total)s", site="Il Taccuino", total="")
    assert subject in letter.subject  # “Test:” comes before it
    assert re.search("0[.,]20", letter.body)
    assert person.says("Paid with play money: no real money moved.") in letter.body
    assert letter.link.endswith("/sign-in")


def test_a_picture_brings_a_guests_purchase_to_another_device(person, elsewhere):
    """The link behind the picture needs a button, counts once, and the first device keeps all."""
    person.buys()
    before = bought(person)
    person.follows("On another device")
    person.presses("Show the picture")
    expect(person.page.locator(".qr svg")).to_be_visible()
    link = person.page.locator(".qr code").inner_text()

    elsewhere.opens(link)
    elsewhere.is_at("Bring it here?")
    assert bought(elsewhere) == []
    elsewhere.opens(link)
    elsewhere.presses("Bring it here")
    elsewhere.is_at("Library")
    assert bought(elsewhere) == before
    assert elsewhere.can_read()
    assert person.can_read()
    elsewhere.opens(link)
    elsewhere.is_at("This link no longer counts")


def test_a_picture_signs_a_user_in_on_another_device(person, elsewhere):
    """The other device is signed in, but proves who sits there before anything that matters."""
    email = person.signs_in()
    person.opens("/library/device")
    person.presses("Show the picture")
    elsewhere.opens(person.page.locator(".qr code").inner_text())
    elsewhere.presses("Bring it here")
    elsewhere.is_at("Library")
    elsewhere.opens("/account/")
    expect(elsewhere.page.locator(".dek")).to_have_text(email)

    elsewhere.opens("/account/email")
    elsewhere.is_at("Is it you?")


def test_the_other_device_can_be_signed_out(person, elsewhere):
    """Both stand in the list; the one that is ended has to sign in on its next page."""
    email = person.signs_in()
    elsewhere.signs_in(email)
    person.opens("/account/devices")
    rows = person.page.locator(".list > li")
    expect(rows).to_have_count(2)
    assert person.says("this one") in rows.locator("span").filter(has_text="·").inner_text()
    person.page.locator(".list button").click()
    person.is_told("That device is signed out.")
    expect(rows).to_have_count(1)

    elsewhere.opens("/account/")
    elsewhere.is_at("Sign in")
    person.opens("/account/")
    person.is_at("Your user")


def test_all_others_can_be_signed_out_at_once(person, elsewhere):
    """One button for who has lost a phone; the user is told of it."""
    email = person.signs_in()
    elsewhere.signs_in(email)
    person.opens("/account/devices")
    person.presses("Sign out everywhere else")
    person.is_told("Your other devices are signed out.")

    elsewhere.opens("/account/devices")
    elsewhere.is_at("Sign in")
    told = person.says("All your other devices were signed out.")
    assert told in person.site.letter(email, about="Il Taccuino$").body
