"""A balance keeps the contract of what settles at once."""

from __future__ import annotations

import pytest

from core.ledger import Leg, post
from core.money import Money
from core.plugins import catalogue
from core.storage import new_id, transaction
from core.testing.provider_instant import Instant, InstantContract


def fill(holder: str, amount: Money) -> None:
    """Let somebody have a balance of play money."""
    with transaction():
        legs = [Leg("assets:bank", amount), Leg(f"liabilities:wallet:{holder}", -amount)]
        post(new_id("fill"), legs, reason="fill", mode="test")


class TestWallet(InstantContract):
    """On both databases."""

    @pytest.fixture
    def instant(self, make_site):
        make_site("wallet", "playmoney")
        return Instant(catalogue.providers["wallet"], "EUR", fill)
