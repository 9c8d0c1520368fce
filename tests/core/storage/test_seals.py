"""A chain of seals shows what was changed, added or removed behind it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import audit, storage
from core.clock import now
from core.storage import execute, transaction

pytestmark = pytest.mark.usefixtures("db")
SEALS = audit.EVENTS


def happened(count: int) -> None:
    with transaction():
        for number in range(count):
            audit.record("test.thing", actor="system", number=number)


def seal() -> int:
    return SEALS.add(now() + timedelta(minutes=1))


@pytest.fixture
def tampering():
    """Let a test write as somebody would who owns the database and takes the triggers away."""
    if storage.is_postgres():
        execute("SET session_replication_role = replica")
        yield
        execute("SET session_replication_role = DEFAULT")
        return
    for table in ("audit_event", "audit_seal"):
        for event in ("update", "delete"):
            execute(f"DROP TRIGGER {table}_no_{event}")
    yield


def test_what_was_not_touched_matches():
    """Several seals in a row, each over what is new."""
    happened(3)
    assert seal() == 3
    happened(2)
    assert seal() == 2
    assert seal() == 0

    assert SEALS.broken() == []
    assert SEALS.head()[0] == 2


@pytest.mark.parametrize("sql", [
    "UPDATE audit_event SET actor = 'nobody' WHERE id = (SELECT MIN(id) FROM audit_event)",
    "DELETE FROM audit_event WHERE id = (SELECT MIN(id) FROM audit_event)",
    """INSERT INTO audit_event SELECT id || '0', at, actor, action, subject, address, data
    FROM audit_event WHERE id = (SELECT MIN(id) FROM audit_event)""",
])  # fmt: skip
def test_a_changed_removed_or_added_row_breaks_its_seal(tampering, sql):
    """Whatever happened to the row, the seal over it says so."""
    happened(3)
    seal()
    execute(sql)

    assert SEALS.broken() == [1]


def test_a_seal_made_without_the_key_is_broken(tampering):
    """Who has the database alone cannot seal what they changed."""
    happened(2)
    seal()
    execute("UPDATE audit_seal SET digest = ?", ["0" * 64])

    assert SEALS.broken() == [1]
