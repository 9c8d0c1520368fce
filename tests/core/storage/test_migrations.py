"""Numbered steps, run once and under a lock, with a history for each component."""

from __future__ import annotations

import subprocess
import sys
import uuid

import psycopg
import pytest
from peewee import DatabaseError

from core import storage
from core.storage import Migrations, execute, lock_migrations
from tests import postgres
from tests.conftest import ROOT

SCRIPT = """
import sys
from pathlib import Path
from core import storage
from core.storage import Migrations, lock_migrations
storage.connect(sys.argv[1])
with lock_migrations():
    print(*Migrations(sys.argv[2], Path(sys.argv[3])).apply())
storage.close()
"""
FIRST = "def up(migrator, db):\n    db.execute_sql('CREATE TABLE note_a (id TEXT)')\n"
SECOND = "def up(migrator, db):\n    db.execute_sql('CREATE TABLE note_b (id TEXT)')\n"
STEPS = sorted(path.stem for path in (ROOT / "core" / "migrations").glob("0*.py"))
BROKEN = SECOND + "    db.execute_sql('CREATE NONSENSE')\n"


@pytest.fixture(params=["sqlite", "postgres"])
def empty_url(request, tmp_path):
    """The URL of a database that has no table yet."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/obolo.db"
        storage.close()
        return
    name = f"empty_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres.server().get_uri(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield postgres.server().get_uri(database=name)
        storage.close()
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def folder(tmp_path):
    """A plugin's folder with one migration."""
    place = tmp_path / "migrations"
    place.mkdir()
    (place / "0001_first.py").write_text(FIRST)
    return place


def test_four_processes_that_start_together_migrate_once(empty_url):
    """One of them makes all tables; the others wait and find nothing to do."""
    folder = str(ROOT / "core" / "migrations")
    command = [sys.executable, "-c", SCRIPT, empty_url, "core", folder]
    running = [
        subprocess.Popen(
            command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(4)
    ]
    ended = [process.communicate(timeout=60) for process in running]
    storage.connect(empty_url)

    assert [process.returncode for process in running] == [0] * 4, ended
    assert sorted(out.strip() for out, _ in ended) == ["", "", "", " ".join(STEPS)]
    assert Migrations("core", ROOT / "core" / "migrations").applied() == STEPS
    assert execute("SELECT COUNT(*) FROM ledger_entry").fetchone()[0] == 0


def test_what_is_pending_is_run_in_order_and_once(empty_url, folder):
    """A step that came later is run when it is there."""
    storage.connect(empty_url)
    migrations = Migrations("note", folder)
    assert (migrations.applied(), migrations.pending()) == ([], ["0001_first"])
    with lock_migrations():
        first, again = migrations.apply(), migrations.apply()
    (folder / "0002_second.py").write_text(SECOND)
    with lock_migrations():
        second = migrations.apply()

    assert (first, again, second) == (["0001_first"], [], ["0002_second"])
    assert migrations.applied() == ["0001_first", "0002_second"]
    assert migrations.pending() == []


def test_a_step_may_be_the_last_for_now(empty_url, folder):
    """A backup is filled into the tables that it was made of; the later steps come after."""
    storage.connect(empty_url)
    (folder / "0002_second.py").write_text(SECOND)
    migrations = Migrations("note", folder)
    with lock_migrations():
        first, rest = migrations.apply(until="0001_first"), migrations.apply()

    assert (first, rest) == (["0001_first"], ["0002_second"])


def test_components_have_histories_of_their_own(empty_url, folder, tmp_path):
    """The first step of one plugin is not the first step of another."""
    storage.connect(empty_url)
    other = tmp_path / "other"
    other.mkdir()
    (other / "0001_first.py").write_text(SECOND)
    with lock_migrations():
        made = Migrations("note", folder).apply(), Migrations("other", other).apply()

    assert made == (["0001_first"], ["0001_first"])
    assert Migrations("other", other).applied() == ["0001_first"]


def test_a_step_that_fails_leaves_nothing_behind(empty_url, folder):
    """Its tables are rolled back, the ones before it stay, and it can be run again when mended."""
    storage.connect(empty_url)
    (folder / "0002_second.py").write_text(BROKEN)
    with pytest.raises(DatabaseError), lock_migrations():
        Migrations("note", folder).apply()

    assert Migrations("note", folder).applied() == ["0001_first"]
    (folder / "0002_second.py").write_text(SECOND)
    with lock_migrations():
        assert Migrations("note", folder).apply() == ["0002_second"]


def test_a_plugin_without_migrations_has_nothing_pending(empty_url, tmp_path):
    """No folder, no history table."""
    storage.connect(empty_url)
    migrations = Migrations("bare", tmp_path / "nowhere")
    with lock_migrations():
        assert migrations.apply() == []

    assert migrations.pending() == migrations.applied() == []


def test_the_lock_is_free_again_after_an_error(empty_url):
    """A migration that failed does not keep the next start waiting."""
    storage.connect(empty_url)
    with pytest.raises(RuntimeError), lock_migrations():
        raise RuntimeError
    command = [sys.executable, "-c", SCRIPT, empty_url, "note", "/nowhere"]
    ended = subprocess.run(command, cwd=ROOT, timeout=30, capture_output=True, check=False)

    assert ended.returncode == 0, ended.stderr
