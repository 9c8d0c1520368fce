"""A site whose time stands still, and what is sent while people knock at its doors."""

from __future__ import annotations

import pytest

from core.ledger import declare_bounds
from tests.stand_in import PURSE


@pytest.fixture
def site(clock, make_site, outbox):
    """Return the site, within its application context."""
    app = make_site()
    declare_bounds(PURSE)
    with app.app_context():
        yield app
