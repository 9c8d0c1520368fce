"""Who tells an account is known by what it can answer."""

from __future__ import annotations

from core.payments import Statements
from tests.core.checkout.test_explaining import Telling
from tests.stand_in import StandIn


def test_a_provider_that_tells_its_account_is_known_by_it():
    """And one that does not is not asked."""
    assert isinstance(Telling(), Statements)
    assert not isinstance(StandIn(), Statements)
