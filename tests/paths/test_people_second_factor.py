"""A second factor is set up from what the page shows, asked for, lost, and done without."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import expect

from tests.paths.people import new_email, somebody

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("people")]
WRONG = "This code does not count, or no longer. Take the newest one."


def next_code(app) -> str:
    """Return a code that was not used: that of the next half minute counts already."""
    return app.at(int(time.time()) + 30)


def with_app(person):
    """Sign in as a new user and add an app."""
    email = person.signs_in()
    person.opens("/account/second-factor")
    app, recovery = person.adds_app()
    return email, app, recovery


def test_an_app_is_added_and_asked_for(person):
    """The codes of the shown secret count, each once; nobody is in before the second step."""
    email, app, recovery = with_app(person)
    assert len(set(recovery)) == 10
    assert (
        person.says("An app for second-factor codes was added.")
        in (
            person.site.letter(
                email, about=person.says("A change to your user at %(site)s", site="")
            )
        ).body
    )
    person.signs_out()

    person.types_code(person.asks_for_code(email).digits)
    person.is_at("And the second factor")
    used = next_code(app)
    person.types("Code", "000 000" if used != "000000" else "111 111")
    person.presses("Sign in")
    person.is_warned(WRONG)
    expect(person.field("Code")).to_be_focused()
    person.opens("/account/")
    person.is_at("Sign in")

    person.types_code(person.asks_for_code(email).digits)
    person.types("Code", f"{used[:3]} {used[3:]}")
    person.presses("Sign in")
    person.is_at("Library")
    person.signs_out()
    person.site.let_ten_minutes_go_by()
    person.types_code(person.asks_for_code(email).digits)
    person.types("Code", used)
    person.presses("Sign in")
    person.is_warned(WRONG)


def test_a_wrong_code_does_not_ask_anybody_to_scan_again(person):
    """The page keeps the secret that the app has already, and puts focus where the error is."""
    person.signs_in()
    person.opens("/account/second-factor")
    secret = person.page.locator(".qr code").inner_text()
    person.types("Six digits", "12")
    person.presses("Switch it on")
    person.is_warned(WRONG)

    assert person.page.locator(".qr code").inner_text() == secret
    expect(person.field("Six digits")).to_be_focused()
    person.adds_app()


def test_a_recovery_code_takes_the_place_of_the_app_once(person):
    """It signs in, the profile counts nine, the user is told, and it counts no second time."""
    email, _, recovery = with_app(person)
    person.signs_out()
    person.types_code(person.asks_for_code(email).digits)
    person.types("Code", recovery[3].upper())
    person.presses("Sign in")
    person.is_at("Library")
    person.opens("/account/second-factor")
    left = {
        "en": "9 recovery codes are left.", "it": "Restano 9 codici di recupero."
    }[person.language]  # fmt: skip
    expect(person.page.locator("main")).to_contain_text(left)
    told = person.says("A recovery code was used to sign in.")
    person.site.letter(email, about="Il Taccuino$")
    assert told in person.site.letter(email, about="Il Taccuino$").body
    person.signs_out()

    person.types_code(person.asks_for_code(email).digits)
    person.types("Code", recovery[3])
    person.presses("Sign in")
    person.is_warned(WRONG)


def test_new_recovery_codes_take_the_place_of_the_old(person):
    """Ten others are shown once, and the page says that the app can be removed."""
    email, _, recovery = with_app(person)
    person.presses("Make new recovery codes")
    shown = person.page.locator(".recovery code")
    expect(shown).to_have_count(10)
    assert not set(shown.all_inner_texts()) & set(recovery)
    person.opens("/account/second-factor")
    expect(shown).to_have_count(0)

    person.presses("Remove the app")
    person.is_told("The app is removed.")
    person.signs_out()
    person.types_code(person.asks_for_code(email).digits)
    person.is_at("Library")


class TestStepUp:
    """Before what matters whoever sits there proves to be the user, if that was a while ago."""

    def test_by_a_code_in_a_message(self, person):
        """Who has nothing else gets six digits, can have new ones, and comes to the page."""
        email = person.signs_in()
        person.site.let_ten_minutes_go_by()
        person.opens("/account/email")
        person.is_at("Is it you?")
        person.presses("Send me a code")
        person.site.code(email)
        person.presses("Send a new one")
        newest = person.site.code(email)
        person.types_code("12")
        person.is_warned(WRONG)
        person.types_code(newest.digits)

        person.is_at("E-mail address")

    def test_by_an_app_or_a_recovery_code(self, person):
        """The password no longer does; both codes do."""
        _, app, recovery = with_app(person)
        for code in (next_code(app), recovery[0]):
            person.site.let_ten_minutes_go_by()
            person.opens("/account/password")
            person.is_at("Is it you?")
            assert (
                person.page.get_by_role("button", name=person.says("Send me a code")).count() == 0
            )
            person.types("Code of your app, or a recovery code", code)
            person.presses("Go on")
            person.is_at("A new password")

    def test_a_form_leads_back_to_its_page(self, person):
        """Nothing is done before, and the page with the button is there after."""
        email = person.signs_in()
        person.opens("/account/data/")
        person.site.let_ten_minutes_go_by()
        person.presses("Download my data")
        person.confirms_by_code(email)
        person.is_at("My data")
        with person.page.expect_download() as download:
            person.presses("Download my data")

        assert download.value.suggested_filename == "my-data.zip"


class TestAddress:
    """A user's address changes once the new one is proved to be read."""

    def test_the_new_address_is_proved_and_both_are_told(self, person):
        """Six digits go to the new address; the old one learns of it and signs in no more."""
        old, new = person.signs_in(), new_email()
        person.opens("/account/email")
        person.types("New address", new)
        person.presses("Send a code there")
        digits = person.site.code(new).digits
        person.types("Six digits", "12")
        person.presses("Save")
        person.is_warned(WRONG)
        person.types("Six digits", digits)
        person.presses("Save")
        person.is_told("Your address is changed.")
        expect(person.page.locator(".dek")).to_have_text(new)

        told = person.says("Your e-mail address was changed.")
        assert told in person.site.letter(old, about="Il Taccuino$").body
        assert told in person.site.letter(new, about="Il Taccuino$").body
        person.signs_out()
        person.signs_in(old)
        person.opens("/account/")
        expect(person.page.locator(".dek")).to_have_text(old)
        expect(person.field("Name")).to_have_value("")


def test_the_recovery_codes_can_be_printed(browser, site):
    """Paper shows them and their heading, and no form."""
    with somebody(browser, site, "desktop") as person:
        with_app(person)
        person.page.emulate_media(media="print")

        expect(person.page.locator(".recovery code").last).to_be_visible()
        assert person.page.locator("button:visible, input:visible, nav:visible").count() == 0
        assert person.page.locator("h2:visible").all_inner_texts() == ["Your recovery codes"]
