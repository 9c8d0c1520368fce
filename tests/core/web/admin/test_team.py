"""The team over HTTP: who may do what, and how somebody joins."""

from __future__ import annotations

import pytest

from core.people import sessions, users
from tests import people
from tests.conftest import browser_of
from tests.people import OTHER_EMAIL, signed_in


@pytest.fixture
def client(make_site):
    return browser_of(make_site())


@pytest.fixture
def outbox(monkeypatch):
    return people.watched_mail(monkeypatch)


@pytest.fixture
def boss(client):
    return signed_in(client, "owner")


def test_somebody_is_invited_by_a_link(client, boss, outbox):
    """They come in by it, have their role, and need a second factor before they use it."""
    page = boss.post("/admin/team/", email=OTHER_EMAIL, role="editor")
    assert OTHER_EMAIL in page.text
    bea = users.by_email(OTHER_EMAIL)
    other = browser_of(client.application)
    answer = other.post("/sign-in/link", data={"token": people.token_of(outbox.last(OTHER_EMAIL))})

    assert answer.status_code == 303
    assert bea.role == "editor"
    assert other.get("/admin/team/").status_code == 403


@pytest.mark.parametrize("form", [
    {"email": "no address", "role": "editor"},
    {"email": OTHER_EMAIL, "role": "reader"},
    {"email": OTHER_EMAIL, "role": "king"},
])  # fmt: skip
def test_a_wrong_invitation_says_why(boss, form):
    """An address that is none, and a role that does not exist or is no staff's."""
    assert boss.post("/admin/team/", **form).status_code == 422
    assert users.by_email(OTHER_EMAIL) is None


def test_a_role_changes_at_once(client, boss, outbox):
    """Its bearer is signed out everywhere, so that no old right lives on, and is told."""
    bea = signed_in(browser_of(client.application), "editor", email=OTHER_EMAIL)
    answer = boss.post(f"/admin/team/{bea.user.id}", role="reader")

    assert answer.status_code == 303
    assert users.find(bea.user.id).role == "reader"
    assert sessions.by_token(bea.token) is None
    assert "role" in outbox.last(OTHER_EMAIL).body


def test_somebody_is_shut_out_and_let_in_again(client, boss):
    """In every browser, at once."""
    bea = signed_in(browser_of(client.application), "author", email=OTHER_EMAIL)
    boss.post(f"/admin/team/{bea.user.id}", state="disabled")

    assert not users.find(bea.user.id).active
    assert bea.client.get("/account/").status_code == 303
    assert "shut out" in client.get("/admin/team/").text
    boss.post(f"/admin/team/{bea.user.id}", state="active")
    assert users.find(bea.user.id).active


def test_nobody_changes_their_own_rights(boss):
    """A slip would shut the owner out."""
    assert boss.post(f"/admin/team/{boss.user.id}", role="reader").status_code == 400
    assert users.find(boss.user.id).role == "owner"


@pytest.mark.parametrize("form", [{"role": "king"}, {"state": "erased"}, {}])
def test_a_change_that_is_none_is_refused(client, boss, form):
    """And leaves everything as it is."""
    bea = signed_in(browser_of(client.application), "editor", email=OTHER_EMAIL)

    assert boss.post(f"/admin/team/{bea.user.id}", **form).status_code == 400
    assert users.find(bea.user.id).role == "editor"


def test_a_user_who_does_not_exist_is_not_found(boss):
    """Nor one who was erased."""
    assert boss.post("/admin/team/usr_none", role="editor").status_code == 404


@pytest.mark.parametrize("role", ["editor", "author", "bookkeeper", "reader"])
def test_others_do_not_even_look(client, role):
    """Only who may manage people sees the team."""
    person = signed_in(client, role)

    assert client.get("/admin/team/").status_code == 403
    assert person.post("/admin/team/", email="eve@example.org", role="owner").status_code == 403
    assert users.by_email("eve@example.org") is None


def test_an_owner_without_a_second_factor_gets_one_first(client):
    """Nothing of staff's opens before."""
    signed_in(client, "owner", app=False, strong=False)
    answer = client.get("/admin/team/")

    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/account/second-factor")
