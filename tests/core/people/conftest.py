"""People on either database, with the keys that the site gives this process."""

from __future__ import annotations

import pytest

from core.people import codes, two_factor


@pytest.fixture(autouse=True)
def _site_keys(monkeypatch):
    """Give codes and recovery codes a key; the site does so when it starts."""
    monkeypatch.setattr(codes, "_site", codes._Site(b"c" * 32))
    monkeypatch.setattr(two_factor, "_site", two_factor._Site(b"r" * 32))
