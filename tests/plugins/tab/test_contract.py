"""A tab keeps the contract of what settles at once."""

from __future__ import annotations

import pytest

from core.ledger import Leg, post
from core.money import Money
from core.plugins import catalogue
from core.storage import new_id, transaction
from core.testing.provider_instant import Instant, InstantContract

CAP = 200


def leave(holder: str, amount: Money) -> None:
    """Let somebody owe so much that just this amount fits on their tab."""
    owed = Money(CAP, amount.currency) - amount
    with transaction():
        legs = [Leg(f"assets:tab:{holder}", owed), Leg("income:contract", -owed)]
        post(new_id("owed"), legs, reason="filled", mode="test")


class TestTab(InstantContract):
    """On both databases."""

    @pytest.fixture
    def instant(self, make_site):
        make_site("tab", "playmoney")
        return Instant(catalogue.providers["tab"], "EUR", leave)
