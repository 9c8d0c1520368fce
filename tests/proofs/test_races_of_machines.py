"""Many programs at one draft and at one budget: one sale, and never a cent more than allowed.

`OBOLO_PROOF_FACTOR=10` runs each race ten times as often. The judge finds its weak twin guilty.
"""

from __future__ import annotations

import os
from collections import Counter

import pytest

from core import limits
from core.storage import execute
from core.verify import verify
from plugins.machinepay import budgets
from tests.people import make_user
from tests.plugins.machinepay.payer import PAID_IN, PRICE, Payer, fill, left, receipt, sales
from tests.plugins.posts.texts import bring, write
from tests.proofs.test_races import together

FACTOR = int(os.environ.get("OBOLO_PROOF_FACTOR", "1"))
PROGRAMS = 32
TEXTS = 8
BUDGET = 70
"""Pays for three of the texts and leaves ten cents."""
pytestmark = [pytest.mark.proof, pytest.mark.xdist_group("races")]


@pytest.fixture
def payer(make_site, tmp_path, monkeypatch):
    """A program with a budget for three texts, a balance for twenty-five, and nobody who counts."""
    monkeypatch.setattr(limits, "allow", lambda door, **_: None)
    app = make_site("posts", "paywall", "wallet", "machinepay")
    for number in range(TEXTS):
        text = "For all.\n\n<!-- more -->\n\nPaid.\n"
        write(tmp_path / "texts", f"text-{number}", text, price="0.20 EUR")
    bring(app, tmp_path / "texts")
    payer = Payer(app, most=BUDGET, a_day=BUDGET, user=make_user()[0])
    fill(payer.user.id)
    return payer


@pytest.mark.parametrize("_round", range(FACTOR))
def test_many_requests_with_one_draft_are_one_sale(payer, _round):
    """Each gets the text and the same receipt; budget and balance are spent once."""
    challenge = payer.challenged("/text-0")
    answers = together(*[lambda: payer.get("/text-0", challenge)] * PROGRAMS)

    assert Counter(answer.status_code for answer in answers) == {200: PROGRAMS}
    assert len({receipt(answer)["reference"] for answer in answers}) == 1
    assert all("Paid." in answer.json["html"] for answer in answers)
    assert (sales(), left(payer.user.id), payer.budget().spent) == (1, PAID_IN - PRICE, PRICE)
    assert verify() == []


def challenges_of(payer):
    """Return a challenge for each text."""
    return [payer.challenged(f"/text-{number}") for number in range(TEXTS)]


def spend_one_budget(payer, named):
    """Let every text be bought by four programs at once; return what was answered."""
    return together(*[
        lambda n=n % TEXTS: payer.get(f"/text-{n}", named[n]) for n in range(PROGRAMS)
    ])  # fmt: skip


@pytest.mark.parametrize("_round", range(FACTOR))
def test_many_requests_spend_one_budget_to_its_end_and_no_further(payer, _round):
    """As many texts as it pays for, whoever comes first; the others are told why."""
    answers = spend_one_budget(payer, challenges_of(payer))
    codes = {answer.json["code"] for answer in answers if answer.status_code == 402}
    opened = {receipt(answer)["reference"] for answer in answers if answer.status_code == 200}

    assert {answer.status_code for answer in answers} == {200, 402}
    assert codes == {"budget_spent"}
    assert len(opened) == sales() == BUDGET // PRICE
    assert payer.budget().spent == BUDGET // PRICE * PRICE
    assert left(payer.user.id) == PAID_IN - BUDGET // PRICE * PRICE
    assert verify() == []


def test_a_budget_that_is_looked_at_and_then_spent_is_overspent(payer, monkeypatch):
    """The weak twin: each challenge is given while there is enough, and spent without a look."""

    def take(token, minor):
        execute("UPDATE machinepay_budget SET spent = spent + ? WHERE token = ?", [minor, token])

    monkeypatch.setattr(budgets, "take", take)
    spend_one_budget(payer, challenges_of(payer))

    assert sales() == TEXTS
    assert payer.budget().spent == TEXTS * PRICE > BUDGET
