"""What a process may remember of the database for a second, and when it asks all the same."""

from __future__ import annotations

import pytest

from core.storage import Recent, recent, transaction

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is moved."""
    at = [100.0]
    monkeypatch.setattr(recent.time, "monotonic", lambda: at[0])
    return at


class Table:
    """Something that counts how often it was asked."""

    def __init__(self):
        self.row, self.asked = ("one",), 0

    def ask(self):
        self.asked += 1
        return self.row


def test_it_asks_once_a_second(clock):
    """Within a second the first answer stands; after it the database is asked again."""
    rows, table = Recent(), Table()
    assert rows.get("a", table.ask) == ("one",)
    table.row = ("two",)
    clock[0] += 0.99
    assert rows.get("a", table.ask) == ("one",)
    clock[0] += 0.02
    assert rows.get("a", table.ask) == ("two",)
    assert table.asked == 2


def test_what_is_not_there_is_asked_for_each_time(clock):
    """An absent row is never kept: a page is there as soon as it is published."""
    rows, table = Recent(), Table()
    table.row = None
    assert rows.get("a", table.ask) is None
    table.row = ("one",)
    assert rows.get("a", table.ask) == ("one",)


def test_a_transaction_sees_its_own_writing(clock):
    """Within a transaction the database is asked, and its answer, which may be undone, not kept."""
    rows, table = Recent(), Table()
    rows.get("a", table.ask)
    with transaction():
        table.row = ("two",)
        assert rows.get("a", table.ask) == ("two",)
    assert rows.get("a", table.ask) == ("one",)


def test_whoever_writes_forgets_at_the_commit(clock):
    """Forgetting waits for the commit; until then other threads may read the old row."""
    rows, table = Recent(), Table()
    rows.get("a", table.ask)
    with transaction():
        rows.forget()
        table.row = ("two",)
    assert rows.get("a", table.ask) == ("two",)


def test_an_answer_from_before_a_commit_is_not_kept_after_it(clock):
    """Who asked before another thread's commit must not bring the old row back."""
    rows, table = Recent(), Table()

    def slow():
        rows.forget()
        return ("old",)

    assert rows.get("a", slow) == ("old",)
    assert rows.get("a", table.ask) == ("one",)


def test_it_keeps_a_bounded_number(clock, monkeypatch):
    """Many addresses do not fill the memory."""
    monkeypatch.setattr(recent, "MOST", 3)
    rows, table = Recent(), Table()
    for name in "abcd":
        rows.get(name, table.ask)
    assert len(rows._rows) == 1
