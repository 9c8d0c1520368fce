"""A site with a shop: a provider whose reports a test sets."""

from __future__ import annotations

import pytest

from core.ledger import declare_bounds
from core.plugins import catalogue
from tests.conftest import browser_of
from tests.stand_in import PURSE, Instant, StandIn


@pytest.fixture
def client(make_site):
    return browser_of(make_site())


@pytest.fixture
def provider(client):
    """Return the provider of the client's site; another one can keep money for the reader."""
    stand_in = StandIn()
    catalogue.providers.update({one.name: one for one in (stand_in, Instant())})
    declare_bounds(PURSE)
    return stand_in
