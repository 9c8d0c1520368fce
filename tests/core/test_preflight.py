"""What the child looks at: other people's functions, imports and tables, on a copy of the site."""

from __future__ import annotations

import hmac

import psycopg
import pytest

from core import ledger, preflight, storage
from core.ledger import Leg
from core.plugins.preflight import LONGEST_DETAIL
from core.preflight import LOCK, foreign_imports
from core.storage import execute, insert

postgres_only = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
SCHEMAS = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'preflight%' ORDER BY nspname"


def changed(before):
    now = preflight.guarded()
    return [name for name, one in before.items() if now.get(name) is not one]


def test_what_is_replaced_is_seen(monkeypatch):
    """A function of Python's, one of core's, a class, a method; or one that is gone."""
    before = preflight.guarded()
    assert changed(before) == []
    monkeypatch.setattr(hmac, "compare_digest", lambda a, b: True)
    monkeypatch.setattr(ledger, "post", lambda: None)
    monkeypatch.setattr(ledger, "Bound", object)
    monkeypatch.delattr(Leg, "__init__")

    assert {
        "hmac.compare_digest", "core.ledger.post", "core.ledger.Bound", "core.ledger.Leg.__init__",
    } <= set(changed(before))  # fmt: skip


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("from core import hookimpl", ""), ("import core.ledger", "core.ledger"),
        ("import core", "core"), ("from core.ledger import post", "core.ledger"),
        ("def late():\n    from core.storage import vault", "core.storage"),
    ],
)  # fmt: skip
def test_imports_past_the_public_names_are_seen(tmp_path, code, found):
    """Wherever they stand, without running them; tests and migrations may do more."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "inner.py").write_text(code)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_own.py").write_text("import core.ledger")

    assert foreign_imports(tmp_path) == found


def test_rows_of_core_are_counted(db):
    """One more is seen, on both databases."""
    before = preflight.counts()
    execute("INSERT INTO settings_value (name, value, changed) VALUES ('own.x', '1', 0)")

    assert {k for k, n in preflight.counts().items() if n != before[k]} == {"settings_value"}


@postgres_only
def test_a_copy_stands_in_a_schema_of_its_own_and_goes(db, monkeypatch):
    """With the first rows of each table. What a killed process left goes too, but no live one."""
    monkeypatch.setattr(preflight, "ROWS", 2)
    for number in range(3):
        insert("settings_value", {"name": f"own.x{number}", "value": "1", "changed": 0})
    for schema in ("preflight_dead", "preflight_live"):
        execute(f"CREATE SCHEMA {schema}")
    with psycopg.connect(db, autocommit=True) as other:
        other.execute(LOCK.format("pg_advisory_lock"), ["preflight_live"])
        with preflight._schema(db) as schema:
            preflight._copy_tables(schema)
            inside = {name for (name,) in execute(SCHEMAS).fetchall()}
            copied = execute(f"SELECT COUNT(*) FROM {schema}.settings_value").fetchone()[0]

    assert inside == {schema, "preflight_live"}
    assert copied == 2
    assert execute(SCHEMAS).fetchall() == [("preflight_live",)]
    execute("DROP SCHEMA preflight_live")
    assert storage.is_postgres()


def test_the_child_may_take_what_the_user_has_and_some_more():
    """The system counts all processes of a user together; a desktop has hundreds."""
    assert preflight._processes() >= 1
    assert preflight.LONGEST_DETAIL == LONGEST_DETAIL
