"""A provider in memory, on either database; the books must hold after each test."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import time_machine

from core.verify import verify
from tests.stand_in import StandIn, plugged


@pytest.fixture
def provider(db):
    stand_in = StandIn()
    with plugged(stand_in):
        yield stand_in
    assert verify() == []


@pytest.fixture
def clock():
    """Stop the time; the test moves it on by `clock.shift(timedelta)`."""
    with time_machine.travel(datetime(2026, 11, 22, 12, tzinfo=UTC), tick=False) as stopped:
        yield stopped
