"""Tests that share a site run in one process, or each process makes the site again."""

from __future__ import annotations

import pytest


@pytest.mark.xdist_group("together")
def test_a_group_is_named_to_the_scheduler(request):
    """A release of pytest or pytest-xdist that loses the groups fails here, not by its slowness."""
    is_scheduled = getattr(request.config.option, "loadgroup", False)

    assert request.node.nodeid.endswith("@together") == is_scheduled
