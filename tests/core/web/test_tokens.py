"""A user's own page of tokens."""

from __future__ import annotations

import re

import pytest

from core.doors.leaving import erase, gathered
from core.people import Reader, tokens, users
from core.people.tokens import OWN
from tests.conftest import browser_of
from tests.core.web.api.machines import BASE, Machine
from tests.people import OTHER_EMAIL, signed_in

TOKEN = re.compile(r"obl_(?:live|test)_\w+")


@pytest.fixture
def app(make_site):
    return make_site("playmoney")


def make(person, **form):
    return person.post("/account/tokens/", **{"name": "Books", "scope": OWN, "days": "30", **form})


def test_a_reader_makes_a_token_for_their_own_things(app, outbox):
    """Shown this once, told by a message, and it works: library and nothing else."""
    person = signed_in(browser_of(app))
    page = make(person)
    (text,) = TOKEN.findall(page.text)
    machine = Machine(app, text)

    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "private, no-store"
    assert text not in person.client.get("/account/tokens/").text
    assert "Books" in outbox.last().body
    assert machine.get("/library").status_code == 200
    assert machine.get("/orders").status_code == 403


def test_staff_are_offered_what_their_role_may(app):
    """Only what the interface knows; a bookkeeper cannot give what an owner can."""
    person = signed_in(browser_of(app), "bookkeeper")
    page = person.client.get("/account/tokens/").text
    offered = set(re.findall(r'name="scope" value="([^"]+)"', page))

    assert offered == {OWN, "orders.view", "orders.refund", "people.view"}
    assert make(person, scope="settings.change").status_code == 422
    assert make(person, scope="audit.view").status_code == 422, "no operation needs it"
    (text,) = TOKEN.findall(make(person, scope="orders.view", mode="test").text)
    assert text.startswith("obl_test_")


@pytest.mark.parametrize("wrong", [{"name": " "}, {"days": "x"}, {"days": "400"}, {"mode": "x"}])
def test_what_was_typed_comes_back_with_the_error(app, wrong):
    """422, announced, nothing made."""
    person = signed_in(browser_of(app))
    page = make(person, **wrong)

    assert page.status_code == 422
    assert 'role="alert"' in page.text
    assert wrong.get("name") or 'value="Books"' in page.text
    assert tokens.of_user(person.user.id) == []


def test_it_asks_for_a_step_up_first(app):
    """Whoever only has the browser makes no token."""
    person = signed_in(browser_of(app), proved=False)

    assert person.client.get("/account/tokens/").location.startswith("/account/confirm")
    assert make(person).location.startswith("/account/confirm")
    assert tokens.of_user(person.user.id) == []


def test_a_token_is_taken_away_at_once(app):
    """By its user; somebody else's is not found."""
    person = signed_in(browser_of(app))
    other = signed_in(browser_of(app), email=OTHER_EMAIL)
    text = TOKEN.findall(make(person).text)[0]
    (token,) = tokens.of_user(person.user.id)

    assert other.post(f"/account/tokens/{token.id}/revoke").status_code == 404
    done = person.post(f"/account/tokens/{token.id}/revoke")
    assert (done.status_code, done.location) == (303, "/account/tokens/?done=revoked")
    assert app.test_client().get(
        f"{BASE}/me", headers={"Authorization": f"Bearer {text}"}
    ).status_code == 401  # fmt: skip
    assert "The token is taken away." in person.client.get(done.location).text


def test_tokens_are_taken_along_and_erased_with_their_user(app):
    """The export names them without their text; an erased user has none."""
    person = signed_in(browser_of(app))
    text = TOKEN.findall(make(person).text)[0]
    found = gathered(Reader(person.user.id, (person.user.id,), person.user.id))
    with app.app_context():
        erase(person.user.id, actor=person.user.id)

    assert [(row["name"], row["scopes"]) for row in found["tokens"]] == [("Books", OWN)]
    assert text not in str(found)
    assert tokens.by_text(text) is None
    assert users.find(person.user.id).state == "erased"
