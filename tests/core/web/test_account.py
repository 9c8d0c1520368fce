"""A user's own pages over HTTP: profile, step-up, password, address, second factor, devices."""

from __future__ import annotations

import re

import pytest

from core.people import passkeys, passwords, sessions, two_factor, users
from tests import people
from tests.conftest import browser_of
from tests.people import EMAIL, OTHER_EMAIL, PASSWORD, Device, digits_of, signed_in

NEW = "nine calm herons wade home"


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


def test_name_language_and_messages_are_saved(client):
    """The answer carries the language, so that the next page is in it."""
    ada = signed_in(client)
    answer = ada.post("/account/", name="Ada  Lovelace", language="it")

    assert locate(answer) == (303, "/account/")
    user = users.find(ada.user.id)
    assert (user.name, user.language, user.receipts) == ("Ada Lovelace", "it", False)
    assert "Salvat" in client.get("/account/?done=saved").text


@pytest.mark.parametrize("form", [{"name": "x" * 81, "language": "en"}, {"language": "xx"}])
def test_what_cannot_be_saved_changes_nothing(client, form):
    """A long name and a foreign language are refused with a sentence."""
    ada = signed_in(client)

    assert ada.post("/account/", **form).status_code in (400, 422)
    assert users.find(ada.user.id).name == ""


@pytest.mark.parametrize("page", ["password", "email", "second-factor"])
def test_what_matters_asks_for_a_step_up(client, page):
    """Without one the page leads to where it is done, and a form does nothing."""
    ada = signed_in(client, proved=False)

    assert locate(client.get(f"/account/{page}")) == (303, "/account/confirm")
    if page == "password":
        assert locate(ada.post("/account/password", password=NEW)) == (303, "/account/confirm")
        assert users.find(ada.user.id).password is None


def test_a_step_up_gives_a_new_token_and_leads_on(client):
    """The token from before it opens nothing any more."""
    ada = signed_in(client, proved=False, password=PASSWORD)
    before = ada.token
    wrong = ada.post("/account/confirm", secret="something else", to="/account/password")
    right = ada.post("/account/confirm", secret=PASSWORD, to="/account/password")

    assert wrong.status_code == 422
    assert locate(right) == (303, "/account/password")
    assert sessions.by_token(before) is None
    assert client.get("/account/password").status_code == 200


def test_a_step_up_leads_nowhere_else(client):
    """An address of another site in the form is not followed."""
    ada = signed_in(client, proved=False, password=PASSWORD)

    answer = ada.post("/account/confirm", secret=PASSWORD, to="https://evil.example/")
    assert locate(answer) == (303, "/account/")


def test_who_has_nothing_else_confirms_by_a_code(client, outbox):
    """The code goes to the user's own address."""
    ada = signed_in(client, proved=False)
    page = ada.post("/account/confirm/send", to="/account/email").text
    code_id = page.partition('name="id" value="')[2].partition('"')[0]
    answer = ada.post(
        "/account/confirm", id=code_id, secret=digits_of(outbox.last()), to="/account/email"
    )

    assert locate(answer) == (303, "/account/email")


def test_a_new_password_signs_the_others_out(client, site, outbox):
    """It is checked, hashed, told, and this browser stays."""
    ada = signed_in(client)
    other = sessions.start(ada.user.id, strong=False)
    short = ada.post("/account/password", password="too short")
    answer = ada.post("/account/password", password=NEW)

    assert short.status_code == 422
    assert locate(answer) == (303, "/account/")
    assert passwords.verify(users.find(ada.user.id).password, NEW)
    assert sessions.by_token(other) is None
    assert client.get("/account/").status_code == 200
    assert "password" in outbox.last().body


def test_another_address_counts_once_it_is_proved(client, outbox):
    """The code goes to the new address; both are told."""
    ada = signed_in(client)
    page = ada.post("/account/email", email=OTHER_EMAIL).text
    code_id = page.partition('name="id" value="')[2].partition('"')[0]
    assert users.find(ada.user.id).email == EMAIL
    wrong = ada.post("/account/email/code", id=code_id, code="12345x")
    right = ada.post("/account/email/code", id=code_id, code=digits_of(outbox.last(OTHER_EMAIL)))

    assert wrong.status_code == 422
    assert locate(right) == (303, "/account/")
    assert users.find(ada.user.id).email == OTHER_EMAIL
    assert "address" in outbox.last(EMAIL).body


def test_an_app_is_switched_on_by_its_code(client):
    """The secret on the page makes the code; recovery codes are shown once."""
    ada = signed_in(client)
    page = client.get("/account/second-factor").text
    seed = page.partition("<code>")[2].partition("<")[0]
    token = page.partition('name="token" value="')[2].partition('"')[0]
    wrong = ada.post("/account/second-factor/app", token=token, code=people.wrong_code(seed))
    right = ada.post("/account/second-factor/app", token=token, code=people.code_of(seed))

    assert wrong.status_code == 422
    assert right.text.count("<li><code>") == 10
    assert two_factor.recovery_left(ada.user.id) == 10
    assert "<li><code>" not in client.get("/account/second-factor").text


def test_the_app_goes_with_its_recovery_codes(client):
    """A reader may be without a second factor again."""
    ada = signed_in(client, app=True, strong=True)
    ada.post("/account/second-factor/recovery")
    answer = ada.post("/account/second-factor/app/remove")

    assert locate(answer) == (303, "/account/second-factor")
    assert users.find(ada.user.id).totp_since is None
    assert two_factor.recovery_left(ada.user.id) == 0


def test_recovery_codes_need_something_to_stand_in_for(client):
    """Without a second factor there is nothing to recover."""
    assert signed_in(client).post("/account/second-factor/recovery").status_code == 400


def test_a_passkey_is_made_and_removed(client):
    """What the browser answers is kept under the name that its owner gave it."""
    ada, device = signed_in(client), Device()
    options = ada.post("/account/passkeys/options").get_json()
    answer = ada.post(
        "/account/passkeys", credential=people.json.dumps(device.make(options)), name="My phone"
    )

    assert locate(answer) == (303, "/account/second-factor")
    (made,) = passkeys.of_user(ada.user.id)
    assert made.name == "My phone"
    assert locate(ada.post(f"/account/passkeys/{made.id}/remove")) == (
        303,
        "/account/second-factor",
    )
    assert passkeys.of_user(ada.user.id) == []


@pytest.mark.parametrize("credential", ["", "[]", "{", "null", '{"response": {}}'])
def test_what_is_no_passkey_is_refused(client, credential):
    """Whatever a script sends, the answer is a sentence."""
    assert signed_in(client).post("/account/passkeys", credential=credential).status_code == 400


def test_devices_are_listed_and_signed_out(client, site):
    """Only one's own, and another user's looks as if it were not there."""
    ada = signed_in(client)
    other = sessions.start(ada.user.id, strong=False, agent=people.PHONE)
    stranger = signed_in(browser_of(site), email=OTHER_EMAIL)
    foreign = sessions.of_user(stranger.user.id)[0]
    mine = sessions.by_token(other)

    assert "Firefox, Android" in client.get("/account/devices").text
    assert ada.post(f"/account/devices/{foreign.id}/end").status_code == 404
    assert locate(ada.post(f"/account/devices/{mine.id}/end")) == (303, "/account/devices")
    assert sessions.by_token(other) is None
    assert sessions.by_token(stranger.token) is not None


def test_all_other_devices_are_signed_out(client, outbox):
    """This one stays."""
    ada = signed_in(client)
    other = sessions.start(ada.user.id, strong=False)
    ada.post("/account/devices/end-others")

    assert sessions.by_token(other) is None
    assert client.get("/account/").status_code == 200
    assert "signed out" in outbox.last().body


def test_a_form_without_its_token_changes_nothing(client):
    """What another page sends in this browser's name is refused."""
    ada = signed_in(client)
    for token in ("", "0" * 64):
        answer = client.post("/account/", data={"name": "Eve", "language": "en", "csrf": token})
        assert answer.status_code == 403
    assert users.find(ada.user.id).name == ""


def field(page, name):
    return re.findall(rf'name="{name}" value="([^"]*)"', page.text)


def test_a_wrong_code_leaves_the_secret_that_was_scanned(client):
    """The next code of the same app counts; a token that is not one's own gets another secret."""
    ada = signed_in(client)
    page = client.get("/account/second-factor")
    token, seed = field(page, "token")[0], re.findall(r"secret=(\w+)", page.text)[0]
    wrong = ada.post("/account/second-factor/app", token=token, code=people.wrong_code(seed))

    assert wrong.status_code == 422
    assert re.findall(r"secret=(\w+)", wrong.text) == [seed]
    strange = ada.post("/account/second-factor/app", token="none", code=people.code_of(seed))
    assert seed not in strange.text
    kept = ada.post("/account/second-factor/app", token=token, code=people.code_of(seed))
    assert kept.text.count("<li><code>") == 10


def test_the_forms_beside_new_recovery_codes_count(client):
    """The page brings a new session token, and its forms carry what goes with that one."""
    ada = signed_in(client)
    page = client.get("/account/second-factor")
    seed = re.findall(r"secret=(\w+)", page.text)[0]
    form = {"token": field(page, "token")[0], "code": people.code_of(seed)}
    page = ada.post("/account/second-factor/app", **form)
    again = client.post("/account/second-factor/recovery", data={"csrf": field(page, "csrf")[0]})

    assert again.status_code == 200
    assert again.text.count("<li><code>") == 10
