"""My data over HTTP: one file to take along, and an end for ever."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from core.limits import DOORS, Door, Limit
from core.people import users
from tests.conftest import browser_of
from tests.people import EMAIL, signed_in


@pytest.fixture
def client(make_site):
    return browser_of(make_site())


def test_everything_is_in_one_file(client):
    """JSON for machines, CSV for people; nobody between keeps it."""
    ada = signed_in(client)
    answer = ada.post("/account/data/export")

    packed = zipfile.ZipFile(io.BytesIO(answer.data))
    assert {"data.json", "user.csv", "devices.csv"} <= set(packed.namelist())
    assert json.loads(packed.read("data.json"))["user"][0]["email"] == EMAIL
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["Content-Disposition"].startswith("attachment")


def test_an_export_asks_for_a_step_up(client):
    """Whoever finds an open browser does not take everything along."""
    answer = signed_in(client, proved=False).post("/account/data/export")

    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/account/confirm")


def test_exports_are_few(client, monkeypatch):
    """They are work, and nobody needs many."""
    monkeypatch.setitem(DOORS, "export", Door(account=(Limit(1, 3600),)))
    ada = signed_in(client)

    assert ada.post("/account/data/export").status_code == 200
    assert ada.post("/account/data/export").status_code == 429


def test_erasing_wants_a_tick(client):
    """One tap does not end it all."""
    ada = signed_in(client)

    assert ada.post("/account/data/erase").status_code == 422
    assert users.find(ada.user.id).active


def test_an_erased_user_is_signed_out_and_told_what_stays(client):
    """The browser forgets its token, and the site whose it was."""
    ada = signed_in(client)
    answer = ada.post("/account/data/erase", sure="yes")

    assert answer.status_code == 200
    assert "ten years" in answer.text
    assert users.find(ada.user.id).state == "erased"
    assert users.by_email(EMAIL) is None
    assert client.get("/account/").status_code == 303


def test_the_only_owner_cannot_be_erased(client):
    """Or nobody could run the site."""
    boss = signed_in(client, "owner")

    assert boss.post("/account/data/erase", sure="yes").status_code == 400
    assert users.find(boss.user.id).active
