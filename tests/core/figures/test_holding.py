"""What a bounded account can still give, and what moved on it."""

from __future__ import annotations

from core import figures
from core.ledger import Bound, Leg, declare_bounds, post
from core.storage import transaction
from tests.stand_in import eur

OWED, TAB = "liabilities:purse:gst_1", "assets:tabs:gst_1"


def moved(key, *legs, mode="live"):
    with transaction():
        post(key, [Leg(account, eur(minor)) for account, minor in legs], reason="charge", mode=mode)


def test_a_balance_gives_what_it_has_and_a_tab_up_to_its_most(db):
    """What nothing bounds has no limit; play money counts apart."""
    declare_bounds({"liabilities:purse:": Bound(least=0), "assets:tabs:": Bound(most=200)})
    moved("a:charge:1", ("assets:card", 500), (OWED, -500))
    moved("a:charge:2", (TAB, 150), ("income:posts", -150))
    moved("a:charge:3", ("assets:card", 70), (OWED, -70), mode="test")

    assert figures.spare(OWED, "EUR") == 500
    assert figures.spare(OWED, "EUR", "test") == 70
    assert figures.spare(TAB, "EUR") == 50
    assert figures.spare("liabilities:purse:nobody", "EUR") == 0
    assert figures.spare("assets:card", "EUR") is None


def test_a_history_says_what_moved_the_newest_first(db):
    """The word of the key says what it was; above zero is what its holder got."""
    declare_bounds({"liabilities:purse:": Bound(least=0)})
    moved("card:charge:1", ("assets:card", 500), (OWED, -500))
    moved("purse:charge:2", (OWED, 20), ("income:posts", -20))
    moved("aside:ref_1", (OWED, 480), ("liabilities:refunds", -480))

    assert [(one.kind, one.minor) for one in figures.history(OWED, "EUR")] == [
        ("aside", -480), ("charge", -20), ("charge", 500),
    ]  # fmt: skip
    assert figures.history(OWED, "EUR", limit=1)[0].key == "aside:ref_1"
