"""The pages of the doors over HTTP: what is asked, what is told, where it leads."""

from __future__ import annotations

import pytest

from core import doors
from core.people import users
from core.storage import execute
from tests import people
from tests.conftest import browser_of
from tests.people import EMAIL, PASSWORD, SESSION_COOKIE, Device, digits_of, signed_in, token_of


@pytest.fixture
def site(make_site):
    return make_site()


@pytest.fixture
def client(site):
    return browser_of(site)


@pytest.fixture
def outbox(monkeypatch):
    return people.watched_mail(monkeypatch)


def locate(answer):
    return answer.status_code, answer.headers.get("Location", "").partition("?")[0]


def asked(client, path="/sign-in", **form):
    """Ask for a code; return the id that goes with it."""
    answer = client.post(path, data={"email": EMAIL, **form})
    assert locate(answer) == (303, "/sign-in/code")
    return answer.headers["Location"].partition("id=")[2].partition("&")[0]


def test_whoever_types_the_code_has_a_user(client, outbox):
    """Also somebody new; a wrong code is told and nothing happens."""
    code_id = asked(client, to="/library/")
    letter = outbox.last()
    wrong = client.post("/sign-in/code", data={"id": code_id, "code": people.wrong_digits(letter)})
    right = client.post(
        "/sign-in/code", data={"id": code_id, "code": digits_of(letter), "to": "/library/"}
    )

    assert wrong.status_code == 422
    assert locate(right) == (303, "/library/")
    assert users.by_email(EMAIL) is not None
    assert client.get("/account/").status_code == 200


def test_an_address_that_is_none_is_told_on_the_page(client):
    """What was typed stays in the field."""
    answer = client.post("/sign-in", data={"email": "ada at example"})

    assert answer.status_code == 422
    assert 'value="ada at example"' in answer.text


def test_a_link_is_used_up_by_its_button_only(client, outbox):
    """Programs that check messages open links."""
    asked(client)
    token = token_of(outbox.last())
    for _ in range(3):
        assert client.get(f"/sign-in/link/{token}").status_code == 200
    answer = browser_of(client.application).post("/sign-in/link", data={"token": token})

    assert answer.status_code == 303
    assert client.get(f"/sign-in/link/{token}").status_code == 410
    assert client.post("/sign-in/link", data={"token": token}).status_code == 400


def test_a_password_signs_in_and_says_nothing_of_others(client):
    """The same answer for a wrong password and for an address that nobody has."""
    people.make_user(password=PASSWORD)
    pages = [
        client.post("/sign-in/password", data={"email": email, "password": "wrong wrong wrong"})
        for email in (EMAIL, "nobody@example.org")
    ]
    answer = client.post("/sign-in/password", data={"email": EMAIL, "password": PASSWORD})

    assert [page.status_code for page in pages] == [422, 422]
    assert pages[0].text.replace(EMAIL, "") == pages[1].text.replace("nobody@example.org", "")
    assert answer.status_code == 303


def test_the_second_factor_stands_behind_the_first(client):
    """Without it there is no session; with a wrong code neither."""
    _, seed = people.make_user(password=PASSWORD, app=True)
    page = client.post("/sign-in/password", data={"email": EMAIL, "password": PASSWORD}).text
    pending = page.partition('name="pending" value="')[2].partition('"')[0]
    assert client.get_cookie(SESSION_COOKIE) is None
    wrong = client.post(
        "/sign-in/second", data={"pending": pending, "code": people.wrong_code(seed)}
    )
    right = client.post("/sign-in/second", data={"pending": pending, "code": people.code_of(seed)})

    assert wrong.status_code == 422
    assert right.status_code == 303
    assert client.get("/account/").status_code == 200


def test_a_reset_leads_to_a_new_password_past_the_second_factor(client, outbox):
    """Whoever reads the mail alone changes nothing."""
    _, seed = people.make_user(password=PASSWORD, app=True)
    code_id = asked(client, "/reset", to="/account/password")
    page = client.post("/sign-in/code", data={"id": code_id, "code": digits_of(outbox.last())})
    assert client.get_cookie(SESSION_COOKIE) is None
    pending = page.text.partition('name="pending" value="')[2].partition('"')[0]
    answer = client.post("/sign-in/second", data={"pending": pending, "code": people.code_of(seed)})

    assert locate(answer) == (303, "/account/password")
    assert client.get("/account/password").status_code == 200


def test_signing_up_with_a_password_waits_for_the_code(client, outbox):
    """Nobody has a user before the address is proved."""
    short = client.post("/sign-up", data={"email": EMAIL, "password": "short"})
    code_id = asked(client, "/sign-up", password=PASSWORD, name="Ada")
    assert short.status_code == 422
    assert users.by_email(EMAIL) is None
    client.post("/sign-in/code", data={"id": code_id, "code": digits_of(outbox.last())})

    assert users.by_email(EMAIL).name == "Ada"
    other = browser_of(client.application)
    form = {"email": EMAIL, "password": PASSWORD}
    assert other.post("/sign-in/password", data=form).status_code == 303


def test_signing_out_ends_the_session_for_everybody_who_has_its_token(client):
    """A copy of the cookie opens nothing either."""
    ada = signed_in(client)
    copy = browser_of(client.application)
    copy.set_cookie(SESSION_COOKIE, ada.token)
    answer = ada.post("/sign-out")

    assert locate(answer) == (303, "/")
    assert answer.headers["Clear-Site-Data"] == '"cache"'
    assert locate(copy.get("/account/")) == (303, "/sign-in")


def test_a_guest_becomes_a_user_by_a_passkey(client, site):
    """Nothing else is asked; the same passkey signs in later."""
    device = Device()
    options = client.post("/sign-up/passkey/options").get_json()
    made = client.post(
        "/sign-up/passkey", data={"credential": people.json.dumps(device.make(options))}
    )
    other = browser_of(site)
    options = other.post("/sign-in/passkey/options").get_json()
    shown = other.post(
        "/sign-in/passkey", data={"credential": people.json.dumps(device.show(options))}
    )

    assert made.status_code == shown.status_code == 303
    assert other.get("/account/").status_code == 200


def test_a_guests_things_come_to_another_browser(client, site):
    """By the picture's address, once; a browser without anything shows none."""
    assert client.post("/library/device").status_code == 404
    holder = "gst_" + "1" * 32
    client.set_cookie("obolo", site.extensions["obolo_signer"].sign(holder).decode())
    assert "<svg" in client.post("/library/device").text
    with site.test_request_context(headers={"Cookie": f"obolo={client.get_cookie('obolo').value}"}):
        token = doors.offer_device(people_reader())
    other = browser_of(site)
    assert other.get(f"/device/{token}").status_code == 200
    answer = other.post("/device", data={"token": token})

    assert locate(answer) == (303, "/library/")
    assert holder in other.get_cookie("obolo").value
    assert other.post("/device", data={"token": token}).status_code == 400
    assert other.get(f"/device/{token}").status_code == 410


def people_reader():
    from core.people import current_reader

    return current_reader()


def test_the_first_link_makes_the_owner(client, site):
    """Once; the second factor comes before everything else."""
    with site.app_context():
        token = doors.owner_wanted()
    assert client.get(f"/setup/{token}").status_code == 200
    wrong = client.post("/setup", data={"token": token, "email": "nothing"})
    answer = client.post("/setup", data={"token": token, "email": EMAIL, "name": "Ada"})

    assert wrong.status_code == 422
    assert locate(answer) == (303, "/account/second-factor")
    assert users.by_email(EMAIL).role == "owner"
    assert client.get(f"/setup/{token}").status_code == 410
    assert doors.owner_wanted() == ""


@pytest.mark.parametrize("path", ["/sign-in", "/sign-in/password", "/sign-up", "/reset"])
def test_no_get_sets_a_cookie_or_writes(client, path):
    """Looking at a door is not knocking."""
    assert client.get(path).status_code == 200
    assert client.get_cookie(SESSION_COOKIE) is None
    assert execute("SELECT COUNT(*) FROM people_code").fetchone()[0] == 0


def test_a_password_manager_finds_the_page(client):
    """As the W3C's well-known address says."""
    assert locate(client.get("/.well-known/change-password")) == (302, "/account/password")


def test_the_language_of_the_profile_holds_from_sign_in_on(client, outbox):
    """The first answer of a session carries it already, whatever the browser asks for."""
    people.make_user(language="it")
    code_id = asked(client)
    form = {"id": code_id, "code": digits_of(outbox.last())}
    client.post("/sign-in/code", data=form)

    assert 'lang="it"' in client.get("/library/", headers={"Accept-Language": "en"}).text


@pytest.mark.parametrize(("form", "wrong"), [
    ({"email": "nobody", "password": PASSWORD}, "email"),
    ({"email": EMAIL, "password": "short"}, "password"),
])  # fmt: skip
def test_only_the_field_that_is_wrong_says_so(client, form, wrong):
    """And it has focus, so that the error beside it is read first."""
    page = client.post("/sign-up", data=form).text
    fields = [line for line in page.splitlines() if "aria-invalid" in line]

    assert len(fields) == 1
    assert f'name="{wrong}"' in fields[0]
    assert " autofocus" in fields[0]
