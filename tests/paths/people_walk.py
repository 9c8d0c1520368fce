"""Go through every page of doors, profile and team, wrong turns included."""

from __future__ import annotations

from collections.abc import Iterator

from tests.paths.people import Person, new_email, somebody

PASSWORD = "seven green lamps at noon"


def walk(one: Person, guest: Person) -> Iterator[tuple[str, Person]]:
    """Yield the name of each page, and in whose browser it is shown; the site has no owner yet."""
    yield from _owner(one)
    yield from _guest(guest)
    yield from _doors(guest)
    yield from _tokens(guest)
    yield from _account(guest)
    yield from _factors(guest)
    yield from _second(guest)
    yield from _end(guest)


def send_anyway(one: Person, at: int = 0) -> None:
    """Let the browser send a form that it would not, so that the site has to say what is wrong."""
    form = one.page.locator("main form:visible").nth(at)
    form.evaluate("form => { form.noValidate = true }")
    form.locator("button").last.click()


def _owner(one: Person) -> Iterator[tuple[str, Person]]:
    link = one.site.set_up_link()
    one.opens(link)
    yield "set-up", one
    one.types("E-mail address", "nobody")
    send_anyway(one)
    one.is_warned("This is not an e-mail address.")
    yield "set-up, wrong", one
    one.types("E-mail address", "owner@example.com")
    one.types("Name (if you like)", "Ada")
    one.presses("Go on")
    one.is_at("Second factor")
    yield "second factor of the owner", one
    one.types("Six digits", "12")
    one.presses("Switch it on")
    one.is_warned("This code does not count, or no longer. Take the newest one.")
    yield "second factor, wrong", one
    one.adds_app()
    yield "recovery codes", one
    one.opens("/account/")
    yield "profile of the owner", one
    one.opens("/admin/team/")
    yield "team", one
    one.types("E-mail address", "nobody")
    send_anyway(one, at=0)
    one.is_warned("This is not an e-mail address.")
    yield "team, wrong", one
    for email in ("a-bookkeeper-with-a-long-name@books.example.com", "author@example.com"):
        one.types("E-mail address", email)
        one.presses("Invite")
        one.is_told("%(email)s has a message with a link that lets them in.", email=email)
    yield "team, invited", one
    one.opens(link)
    yield "set-up, too late", one


def _guest(one: Person) -> Iterator[tuple[str, Person]]:
    one.opens("/library/")
    yield "empty library", one
    one.opens("/library/device")
    yield "nothing to bring", one
    one.puts_in_authenticator()
    one.buys()
    one.opens("/library/")
    yield "library of a guest", one
    one.types("E-mail address", "nobody")
    send_anyway(one)
    one.is_warned("This is not an e-mail address.")
    yield "library, wrong", one
    one.opens("/library/device")
    yield "bring", one
    one.presses("Show the picture")
    yield "bring, the picture", one
    one.opens("/device/none")
    yield "bring, too late", one


def _doors(one: Person) -> Iterator[tuple[str, Person]]:
    one.opens("/sign-in")
    yield "sign in", one
    one.types("E-mail address", "nobody")
    send_anyway(one)
    one.is_warned("This is not an e-mail address.")
    yield "sign in, wrong", one
    letter = one.asks_for_code(new_email())
    yield "code", one
    one.types_code("no")
    one.is_warned("This code does not count, or no longer. Take the newest one.")
    yield "code, wrong", one
    one.opens(letter.link)
    yield "link", one
    one.opens("/sign-in/link/none")
    yield "link, too late", one
    one.opens("/sign-in/password")
    yield "password", one
    one.types("E-mail address", "ada@example.com")
    one.types("Password", "wrong")
    one.presses("Sign in")
    one.is_warned("E-mail address and password do not fit together.")
    yield "password, wrong", one
    one.opens("/reset")
    yield "reset", one
    one.types("E-mail address", "nobody")
    send_anyway(one)
    yield "reset, wrong", one
    one.opens("/sign-up")
    yield "sign up", one
    one.types("E-mail address", "reader@example.com")
    one.types("Password", "short")
    one.presses("Go on")
    yield "sign up, wrong", one
    one.types("Password", PASSWORD)
    one.presses("Go on")
    one.types_code(one.site.code("reader@example.com").digits)
    one.is_at("Library")
    yield "library of a user", one


def _tokens(one: Person) -> Iterator[tuple[str, Person]]:
    one.opens("/account/tokens/")
    yield "tokens", one
    one.types("What it is for", "A backup")
    one.page.check("[value='own.spend']")
    one.presses("Make the token")
    one.is_told("Copy the token “%(name)s” now: it is shown this once.", name="A backup")
    yield "tokens, made", one
    one.page.click("main .list a[href='/x/machinepay/']")
    yield "budgets of machines", one
    one.page.fill("[name=most]", "5")
    one.page.fill("[name=most_a_day]", "much")
    one.page.click(".panel button")
    one.page.get_by_role("alert").wait_for()
    yield "budgets of machines, wrong", one
    one.page.fill("[name=most_a_day]", "1")
    one.page.click(".panel button")
    one.page.get_by_role("status").wait_for()
    yield "budgets of machines, saved", one


def _account(one: Person) -> Iterator[tuple[str, Person]]:
    one.opens("/account/")
    yield "profile", one
    one.types("Name", "Be\u200ba")
    one.presses("Save")
    one.page.get_by_role("alert").wait_for()
    yield "profile, wrong", one
    one.types("Name", "Bea")
    one.presses("Save")
    one.is_told("Saved.")
    yield "profile, saved", one
    one.opens("/account/password")
    yield "new password", one
    one.types("New password", "short")
    one.presses("Save")
    yield "new password, wrong", one
    one.opens("/account/email")
    yield "address", one
    one.types("New address", "nobody")
    send_anyway(one)
    yield "address, wrong", one
    one.types("New address", "other@example.com")
    one.presses("Send a code there")
    yield "address, code", one
    one.types("Six digits", "no")
    one.presses("Save")
    yield "address, wrong code", one
    with somebody(one.page.context.browser, one.site, "phone", one.language) as other:
        other.opens("/sign-in/password")
        other.types("E-mail address", "reader@example.com")
        other.types("Password", PASSWORD)
        other.presses("Sign in")
        other.is_at("Library")
        one.opens("/account/devices")
        yield "devices", one
    one.opens("/account/data/")
    yield "my data", one
    send_anyway(one, at=1)
    one.is_warned("Please tick that you mean it.")
    yield "my data, not sure", one
    one.site.let_ten_minutes_go_by()
    one.opens("/account/password")
    one.is_at("Is it you?")
    yield "confirm by password", one
    one.types("Password", "wrong")
    one.presses("Go on")
    one.is_warned("This password is wrong.")
    yield "confirm, wrong", one
    one.presses("Send me a code")
    yield "confirm by code", one
    one.types_code(one.site.code("reader@example.com").digits)


def _factors(one: Person) -> Iterator[tuple[str, Person]]:
    one.opens("/account/second-factor")
    yield "second factor", one
    one.types(
        "Its name in this list (if you like)", "A telephone with a rather long name of its own"
    )
    one.presses("Add a passkey")
    one.is_told("The passkey is added.")
    yield "second factor, passkey", one
    one.site.let_ten_minutes_go_by()
    one.opens("/account/second-factor")
    one.is_at("Is it you?")
    one.page.locator("summary").click()
    yield "confirm by passkey", one
    one.presses("Use a passkey")
    one.adds_app()
    one.opens("/account/second-factor")
    yield "second factor, both", one
    one.site.let_ten_minutes_go_by()
    one.opens("/account/second-factor")
    yield "confirm by app or passkey", one


def _second(one: Person) -> Iterator[tuple[str, Person]]:
    one.signs_out()
    one.opens("/sign-in/password")
    one.types("E-mail address", "reader@example.com")
    one.types("Password", PASSWORD)
    one.presses("Sign in")
    one.is_at("And the second factor")
    yield "second step", one
    one.types("Code", "no")
    one.presses("Sign in")
    yield "second step, wrong", one
    one.presses("Use a passkey")
    one.is_at("Library")
    one.opens("/library/device")
    one.presses("Show the picture")
    yield "bring a user", one


def _end(one: Person) -> Iterator[tuple[str, Person]]:
    one.opens("/account/data/")
    one.page.get_by_role("checkbox").check()
    one.presses("Erase my user")
    one.is_at("Erased")
    yield "erased", one
