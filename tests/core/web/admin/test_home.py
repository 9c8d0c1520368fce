"""Home: the day at a glance."""

from __future__ import annotations

import pytest

from core import checkout, views
from core.clock import now
from core.settings import value
from tests.conftest import browser_of
from tests.people import signed_in
from tests.stand_in import begun, charge, dispute, paid, post_line, sold

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
        "Needs attention", "Nothing. All is well.", "Net today", "€0.20", "post:hello",
        "seen 4 times, sold 1", 'role="img"', "These figures as a table", "First steps",
    ):  # fmt: skip
        assert words in page
    assert "Play money" not in page


def test_what_needs_attention_leads_to_where_it_is_put_right(client, provider):
    """Task: deal with a dispute, or with money that went astray, in one tap."""
    signed_in(client, "bookkeeper")
    lost = sold(provider)
    checkout.settle(provider, lost.id, lost.facts.join(paid(lost, dispute("dp_1", 20))))
    odd = begun(provider, post_line(20, "post:other"))
    checkout.settle(provider, odd.id, paid(odd, charge("ch_odd", 35)))
    page = client.get("/admin/home/").text

    assert "A payment is disputed: €0.20 are held back until it is decided." in page
    assert f'href="/admin/orders/{lost.order}"' in page
    assert "€0.35 came in that belongs to no order." in page
    assert 'href="/admin/money/#unassigned"' in page
    assert "First steps" not in page


def test_who_may_not_see_money_sees_none(client, provider):
    """Task: an author looks which text is read; amounts, orders and settings are not theirs."""
    signed_in(client, "author")
    sold(provider)
    page = client.get("/admin/home/", headers={"Accept-Language": "it"}).text

    assert "post:hello" in page
    for words in ("€", "Da guardare", "Primi passi"):
        assert words not in page


def test_the_checklist_goes_when_it_is_put_away(client):
    """Task: a new owner gets through seven steps, or puts them away in one tap, for good."""
    owner = signed_in(client, "owner")
    before = client.get("/admin/home/").text
    answer = owner.post("/admin/home/checklist")

    assert before.count("<svg") > 5
    assert "0 of 7" in before
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
