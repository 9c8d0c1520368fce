"""The law's thresholds are dated data, and the owner is told in time."""

from __future__ import annotations

from datetime import date

import pytest

from core.clock import now
from core.ledger import Leg, post
from core.storage import transaction
from plugins.wallet import law
from tests.stand_in import eur


@pytest.fixture
def app(make_site):
    return make_site("wallet")


def spend(minor):
    till = "liabilities:wallet:gst_rich"
    with transaction():
        post(
            "t:charge:1", [Leg("assets:card", eur(minor)), Leg(till, eur(-minor))], reason="charge"
        )
        post(
            "t:charge:2", [Leg(till, eur(minor)), Leg("income:posts", eur(-minor))], reason="charge"
        )


@pytest.mark.parametrize(
    ("minor", "fine", "says"),
    [
        (49_999_999, True, "{spent} were"),
        (50_000_000, True, "{percent}"),
        (80_000_000, False, "{p"),
    ],
)
def test_the_owner_is_told_at_half_and_at_four_fifths(app, minor, fine, says):
    """Of one million euro within twelve months; each sentence carries its source."""
    spend(minor)
    (told,) = law.health()

    assert told.ok is fine
    assert says in told.words
    assert law.spent_in_a_year(now()) == eur(minor)
    assert "2015/2366" in told.values["source"]


def test_a_rule_holds_from_its_day_on():
    """An undated look at the law is a bug; before its day there is none."""
    assert law.rule("eu.limited-network.notice", date(2026, 1, 1)).value == 100_000_000
    with pytest.raises(LookupError):
        law.rule("eu.limited-network.notice", date(2018, 1, 12))
