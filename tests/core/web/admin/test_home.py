"""Home: the day at a glance."""

from __future__ import annotations

import pytest

from core import views
from core.clock import now
from core.settings import value
from tests.conftest import browser_of
from tests.people import signed_in
from tests.stand_in import sold

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_an_owner_sees_the_day_at_a_glance(client, provider):
    """Task: know whether all is well and what came in, in no tap after signing in."""
    signed_in(client, "owner")
    sold(provider)
    views.store({(views.day_of(now()), "post:hello", "teaser"): 4})
    entered = client.get("/admin/")
    page = client.get(entered.location).text

    assert entered.location == "/admin/home/"
    for words in (
        "Needs attention", "There is no backup yet.", "Net today", "€0.20", "post:hello",
        "seen 4 times, sold 1", 'role="img"', "These figures as a table", "First steps",
    ):  # fmt: skip
        assert words in page
    assert "Play money" not in page


def test_who_may_not_see_money_sees_none(client, provider):
    """Task: an author looks which text is read; amounts, orders and settings are not theirs."""
    signed_in(client, "author")
    sold(provider)
    page = client.get("/admin/home/", headers={"Accept-Language": "it"}).text

    assert "post:hello" in page
    for words in ("€", "Da guardare", "Primi passi"):
        assert words not in page


def test_the_checklist_goes_when_it_is_put_away(client):
    """Task: a new owner gets through six steps, or puts them away in one tap, for good."""
    owner = signed_in(client, "owner")
    before = client.get("/admin/home/").text
    answer = owner.post("/admin/home/checklist")

    assert before.count("<svg") > 5
    assert "0 of 6" in before
    assert answer.status_code == 303
    assert value("admin.checklist") is False
    assert "First steps" not in client.get("/admin/home/").text


def test_a_site_that_only_plays_says_so(make_site):
    """Figures of play money are shown, and called what they are."""
    client = browser_of(make_site("playmoney"))
    signed_in(client, "owner")
    page = client.get("/admin/home/").text

    assert "Play money" in page
    assert "None of it is real." in page
