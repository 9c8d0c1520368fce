"""A provider in memory, on either database; the books must hold after each test."""

from __future__ import annotations

import pytest

from core.verify import verify
from tests.stand_in import StandIn, plugged


@pytest.fixture
def provider(db):
    stand_in = StandIn()
    with plugged(stand_in):
        yield stand_in
    assert verify() == []
