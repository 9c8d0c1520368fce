"""The one clock."""

from __future__ import annotations

import ast
import threading
from datetime import UTC, datetime, timedelta

import time_machine

from core.clock import nanoseconds, now, set_to
from tests.conftest import ROOT

OTHER_CLOCKS = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
}


def test_now_is_aware_and_in_utc():
    """An instant without a zone is a mistake waiting for summer time."""
    assert now().tzinfo is UTC
    assert abs(now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_now_carries_microseconds():
    """What happens within a second keeps its order."""
    with time_machine.travel(datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC), tick=False):
        assert now().microsecond == 123456


def test_no_other_module_asks_another_clock():
    """A test can move time only where there is one clock."""
    calls = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sorted((ROOT / "core").rglob("*.py"))
        if path.name != "clock.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and (node.func.value.id, node.func.attr) in OTHER_CLOCKS
    ]

    assert calls == []


def test_the_clock_of_one_thread_can_be_set():
    """Its ids follow; other threads keep their time, and so does this one afterwards."""
    past = datetime(2025, 3, 1, 8, tzinfo=UTC)
    others = []
    with set_to(past):
        seen, number = now(), nanoseconds()
        thread = threading.Thread(target=lambda: others.append(now()))
        thread.start()
        thread.join()

    assert timedelta() <= seen - past < timedelta(seconds=5)
    assert abs(number // 10**9 - int(past.timestamp())) <= 5
    assert abs(others[0] - datetime.now(UTC)) < timedelta(seconds=5)
    assert abs(now() - datetime.now(UTC)) < timedelta(seconds=5)
