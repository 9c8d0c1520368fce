"""The owner's first steps; and what users choose, take along and have erased."""

from __future__ import annotations

import json
import re
import zipfile

import pytest
from playwright.sync_api import expect

from tests.paths.conftest import KINDS, people_site
from tests.paths.people import somebody

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("people")]


@pytest.fixture(params=KINDS)
def first(request, browser, tmp_path):
    """Yield somebody at a new site that has no owner."""
    size, language, scripts = KINDS[request.param]
    with (
        people_site(tmp_path / "instance") as site,
        somebody(browser, site, size, language, scripts=scripts) as one,
    ):
        yield one


def test_the_printed_link_makes_the_owner_who_invites_somebody(first, browser):
    """Link, address, second factor, team; and whoever is invited needs a second factor as well."""
    owner, link = first, first.site.set_up_link()
    owner.opens(link)
    owner.is_at("Make this site yours")
    owner.types("E-mail address", "owner@example.com")
    owner.presses("Go on")
    owner.is_at("Second factor")
    owner.opens("/admin/team/")
    owner.is_at("Second factor")
    owner.adds_app()
    owner.opens("/account/")
    owner.follows("Administration")
    for place, page in (("Administration", "People"), ("People", "Team")):
        ways = owner.page.get_by_role("navigation", name=owner.says(place))
        ways.get_by_role("link", name=owner.says(page), exact=True).click()
    owner.is_at("Team")
    owner.types("E-mail address", "author@example.com")
    owner.field("Role").select_option("author")
    owner.presses("Invite")
    owner.is_told(
        "%(email)s has a message with a link that lets them in.", email="author@example.com"
    )
    owner.opens(link)
    owner.is_at("This link no longer counts")

    letter = owner.site.letter("author@example.com")
    assert letter.subject == owner.says("You are invited to %(site)s", site="Il Taccuino")
    with somebody(browser, owner.site, language=owner.language) as author:
        author.opens(letter.link)
        author.presses("Sign in")
        author.is_at("Your user")
        author.opens("/admin/team/")
        expect(author.page.locator(".dek")).to_have_text(
            author.says("Your role does not allow this.")
        )
        owner.opens("/admin/team/")
        owner.presses("Shut out")
        owner.is_told("shut out")
        author.opens("/account/")
        author.is_at("Sign in")


def test_the_language_of_the_profile_is_that_of_messages_and_pages(person, elsewhere):
    """It is kept for messages, for this browser's pages, and for the next browser's."""
    other = {"it": "en", "en": "it"}[person.language]
    email = person.signs_in()
    person.opens("/account/")
    person.types("Name", "Ada")
    person.field("Language of messages and pages").select_option(other)
    person.presses("Save")
    person.language = other
    person.is_told("Saved.")
    expect(person.page.locator("html")).to_have_attribute("lang", other)
    expect(person.field("Name")).to_have_value("Ada")

    letter = elsewhere.asks_for_code(email)
    assert letter.subject == person.says(
        "%(code)s is your code for %(site)s", code=letter.digits, site="Il Taccuino"
    )
    elsewhere.types_code(letter.digits)
    elsewhere.language = other
    elsewhere.is_at("Library")


def test_who_wants_no_receipts_gets_none(person):
    """The choice is kept; messages of what matters for safety come all the same."""
    email = person.signs_in()
    person.opens("/account/")
    person.page.get_by_role("checkbox").uncheck()
    person.presses("Save")
    expect(person.page.get_by_role("checkbox")).not_to_be_checked()
    person.buys()
    person.opens("/account/second-factor")
    person.adds_app()

    assert (
        person.says("An app for second-factor codes was added.") in person.site.letter(email).body
    )


def test_my_data_comes_as_one_file(person, tmp_path):
    """A ZIP file: all of it as JSON, each part as CSV, what was bought included."""
    email = person.signs_in()
    person.buys()
    person.opens("/account/data/")
    with person.page.expect_download() as download:
        person.presses("Download my data")
    download.value.save_as(tmp_path / "my-data.zip")
    with zipfile.ZipFile(tmp_path / "my-data.zip") as file:
        whole = json.loads(file.read("data.json"))
        names = set(file.namelist())

    assert whole["user"][0]["email"] == email
    assert [one["total"] for one in whole["orders"]] == [500]
    assert {"data.json", "user.csv", "devices.csv", "orders.csv", "entitlements.csv"} <= names


def test_erasing_ends_it_all_and_says_what_stays(person, elsewhere):
    """Both browsers are out, the address has no user any more, and the page names the books."""
    email = person.signs_in()
    person.buys()
    elsewhere.signs_in(email)
    person.opens("/account/data/")
    person.page.get_by_role("checkbox").check()
    person.presses("Erase my user")
    person.is_at("Erased")
    assert re.search(r"2220", person.page.inner_text("main"))
    told = person.says("Your data here was erased, as you asked.")
    assert told in person.site.letter(email, about="Il Taccuino$").body

    for one in (person, elsewhere):
        one.opens("/account/")
        one.is_at("Sign in")
        assert not one.can_read()
    person.site.let_ten_minutes_go_by()
    person.signs_in(email)
    person.is_told("Nothing yet. What you buy appears here.")
