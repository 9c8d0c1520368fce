"""One handle, one way to write: transactions, rows, ids and fields, the same on both databases."""

from __future__ import annotations

import sys
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from peewee import IntegrityError, OperationalError, SqliteDatabase, TextField

from core import storage
from core.storage import (
    InstantField,
    JSONField,
    Model,
    after_commit,
    database,
    execute,
    in_transaction,
    insert,
    instant,
    micros,
    new_id,
    to_json,
    transaction,
)
from core.storage.database import SQLITE_PRAGMAS, WrongDatabase

TIMES = 200
sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
postgres_only = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)


def bump(name="x", by=1):
    """Change a number by one statement."""
    execute(
        "INSERT INTO site_generation VALUES (?, ?) ON CONFLICT (name) "
        "DO UPDATE SET number = site_generation.number + ?",
        [name, by, by],
    )


def number(name="x"):
    row = execute("SELECT number FROM site_generation WHERE name = ?", [name]).fetchone()
    return row and row[0]


@pytest.mark.parametrize(
    ("url", "scheme"),
    [
        ("mysql://root:secret@localhost/x", "mysql:"),
        ("obolo.db", "obolo.db:"),
        ("sqlite:obolo.db", "sqlite:"),
        ("", ":"),
    ],
)
def test_a_url_of_another_kind_is_refused_without_its_password(url, scheme):
    """The message names the scheme and says what to write instead."""
    with pytest.raises(WrongDatabase) as caught:
        storage.connect(url)

    assert f"“{scheme}”" in str(caught.value)
    assert "sqlite:///... or postgresql://..." in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_wrong_url_leaves_the_handle_where_it_was(db):
    """A site that is running goes on."""
    with suppress(WrongDatabase):
        storage.connect("mysql://x")

    assert execute("SELECT 1").fetchone()[0] == 1


@postgres_only
def test_the_short_scheme_of_postgres_is_understood(db):
    """Hosters write postgres://."""
    storage.connect(db.replace("postgresql://", "postgres://", 1))

    assert execute("SELECT 1").fetchone()[0] == 1


@sqlite_only
def test_sqlite_is_set_up_to_survive_a_power_cut_and_to_keep_its_triggers(db):
    """Each connection has the pragmas, one of another thread too."""
    found = []

    def look():
        found.append({name: execute(f"PRAGMA {name}").fetchone()[0] for name in SQLITE_PRAGMAS})
        storage.close()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join(10)

    assert found == [
        {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "recursive_triggers": 1,
         "busy_timeout": 30_000, "cache_size": -16_384, "secure_delete": 1}
    ]  # fmt: skip


def test_a_transaction_is_stored_whole_or_not_at_all(db):
    """An error takes everything along and passes on."""
    with transaction():
        bump()
    with suppress(RuntimeError), transaction():
        bump()
        raise RuntimeError

    assert number() == 1
    assert not in_transaction()
    with pytest.raises(LookupError), transaction():
        raise LookupError


def test_a_transaction_inside_another_is_part_of_it(db):
    """No savepoint: what the inner one wrote goes or stays with the outer one."""
    with suppress(RuntimeError), transaction():
        with transaction():
            bump()
        assert in_transaction()
        raise RuntimeError
    assert number() is None
    with transaction():
        with suppress(RuntimeError), transaction():
            bump()
            raise RuntimeError
        bump()

    assert number() == 2


def test_an_error_outside_of_a_transaction_leaves_the_connection_usable(db):
    """A refused statement does not spoil the next one."""
    bump()
    with pytest.raises(IntegrityError):
        insert("site_generation", {"name": "x", "number": 1})

    assert number() == 1


def test_what_waits_for_the_commit_runs_after_it_in_order(db):
    """Only the outermost commit counts, and what was written is there."""
    seen = []
    with transaction():
        bump()
        after_commit(lambda: seen.append(("first", in_transaction(), number())))
        with transaction():
            after_commit(lambda: seen.append(("second", in_transaction(), number())))
        bump()
        assert seen == []

    assert seen == [("first", False, 2), ("second", False, 2)]


def test_what_waits_for_the_commit_is_dropped_on_rollback(db):
    """It does not run, and not after the next commit either."""
    seen = []
    with suppress(RuntimeError), transaction():
        after_commit(lambda: seen.append("never"))
        raise RuntimeError
    with transaction():
        bump()

    assert seen == []


def test_outside_of_a_transaction_nothing_waits(db):
    """There is no commit to wait for."""
    seen = []
    after_commit(lambda: seen.append("now"))

    assert seen == ["now"]


def test_what_runs_after_the_commit_may_write(db):
    """It has a transaction of its own, with a commit of its own."""
    seen = []

    def write():
        with transaction():
            bump()
            after_commit(lambda: seen.append(number()))

    with transaction():
        after_commit(write)

    assert seen == [1]


def test_an_error_after_the_commit_is_logged_and_the_others_still_run(db, caplog):
    """What was stored stays stored: nobody is told that it failed, and nothing is left out."""
    seen = []

    def broken():
        raise LookupError("no queue")

    with transaction():
        bump()
        after_commit(broken)
        after_commit(lambda: seen.append("other"))

    assert number() == 1
    assert seen == ["other"]
    assert "no queue" in caplog.text


def test_inserting_counts_what_was_written(db):
    """One statement for many rows; those that are there are passed over when asked."""
    one, two = {"name": "a", "number": 1}, {"name": "b", "number": 2}

    assert insert("site_generation", []) == 0
    assert insert("site_generation", one) == 1
    assert insert("site_generation", [one, two], ignore=True) == 1
    assert insert("site_generation", one, ignore=True) == 0
    assert (number("a"), number("b")) == (1, 2)
    with pytest.raises(IntegrityError):
        insert("site_generation", one)


def test_rows_passed_over_do_not_spoil_the_transaction(db):
    """A key that is there already is an answer, not an error."""
    bump("a")
    with transaction():
        assert insert("site_generation", {"name": "a", "number": 9}, ignore=True) == 0
        bump("a")

    assert number("a") == 2


@pytest.mark.parametrize("text", ["100 %", "%s", "why?", "it’s", "'; DROP TABLE x; --", "🎈"])
def test_values_are_bound_whatever_they_hold(db, text):
    """Marks and percent signs in values and in SQL text mean the same on both databases."""
    insert("site_generation", {"name": text, "number": 5})
    row = execute(
        "SELECT name, number % 3 FROM site_generation WHERE name = ? AND name LIKE '%'", [text]
    ).fetchone()

    assert tuple(row) == (text, 2)


def test_ids_are_unique_and_in_order_of_time():
    """Ten thousand made as fast as possible; each is a UUIDv7 after its prefix."""
    ids = [new_id("ord") for _ in range(10_000)]
    body = ids[0].removeprefix("ord_")

    assert len(set(ids)) == 10_000
    assert ids == sorted(ids)
    assert len(body) == 32
    assert body[12] == "7"
    assert body[16] in "89ab"


def test_ids_of_many_threads_are_unique():
    """Sixty-two random bits tell apart what the clock does not."""
    ids = []
    threads = [
        threading.Thread(target=lambda: ids.extend(new_id("x") for _ in range(2_000)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert len(set(ids)) == len(ids) == 8_000


@settings(deadline=None)
@given(at=st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))])))
def test_an_instant_is_kept_to_the_microsecond(at):
    """Whatever the zone it came in, before 1970 as well."""
    assert instant(micros(at)) == at
    assert instant(micros(at)).tzinfo is UTC


class Note(Model):
    class Meta:
        table_name = "storage_note"

    id = TextField(primary_key=True)
    at = InstantField(null=True)
    data = JSONField(null=True)


@pytest.fixture
def notes(db):
    Note.drop_table(safe=True)
    Note.create_table()
    yield
    Note.drop_table()


def test_a_field_of_instants_and_one_of_json_keep_their_values(notes):
    """They are numbers and text in the database, and order and compare as instants do."""
    early = datetime(2026, 11, 22, 12, 0, 0, 123456, tzinfo=UTC)
    late = early + timedelta(microseconds=1)
    value = {"é": [1, 2.5, None, True, "🎈"], "a": {"b": {}}}
    Note.create(id="a", at=late, data=value)
    Note.create(id="b", at=early, data=[])
    Note.create(id="c")
    raw = execute("SELECT at, data FROM storage_note WHERE id = 'a'").fetchone()

    assert [note.id for note in Note.select().where(Note.at <= early)] == ["b"]
    assert [note.id for note in Note.select().where(Note.at.is_null(False)).order_by(Note.at)] == [
        "b", "a",
    ]  # fmt: skip
    assert (Note.get_by_id("a").at, Note.get_by_id("a").data) == (late, value)
    assert (Note.get_by_id("c").at, Note.get_by_id("c").data) == (None, None)
    assert tuple(raw) == (micros(late), '{"a":{"b":{}},"é":[1,2.5,null,true,"🎈"]}')


def test_json_is_written_in_one_way():
    """The same value is the same text, so that texts can be compared."""
    assert to_json({"b": 1, "a": "é"}) == to_json({"a": "é", "b": 1}) == '{"a":"é","b":1}'


def race(between=lambda: None):
    """Let two threads read a number and write it back raised; return what went wrong."""
    errors = []

    def work():
        for _ in range(TIMES):
            try:
                with transaction():
                    read = number()
                    between()
                    execute("UPDATE site_generation SET number = ? WHERE name = 'x'", [read + 1])
            except OperationalError as error:
                errors.append(str(error))
        storage.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return errors


@sqlite_only
def test_two_writers_on_sqlite_wait_and_lose_nothing(db):
    """BEGIN IMMEDIATE: a transaction that will write has the lock before it reads."""
    bump("x", 0)

    assert race() == []
    assert number() == 2 * TIMES


@sqlite_only
def test_with_a_deferred_transaction_two_writers_fail(db, monkeypatch):
    """The weak twin of the test above: without turns and IMMEDIATE the race ends in SQLITE_BUSY."""
    nobody_waits = SimpleNamespace(acquire=lambda timeout: False)
    monkeypatch.setattr(sys.modules["core.storage.database"], "_one_writer", nobody_waits)
    bump("x", 0)
    storage.close()
    path = database.obj.database
    database.initialize(SqliteDatabase(path, pragmas={**SQLITE_PRAGMAS, "busy_timeout": 100}))
    both = threading.Barrier(2)

    def between():
        with suppress(threading.BrokenBarrierError):
            both.wait(0.2)

    errors = race(between)

    assert errors
    assert number() < 2 * TIMES


def test_a_locked_row_makes_the_second_writer_wait(db):
    """On PostgreSQL `on_row_lock` does what IMMEDIATE does on SQLite: nothing is lost."""
    bump("x", 0)

    def work():
        for _ in range(50):
            with transaction():
                row = execute(
                    "SELECT number FROM site_generation WHERE name = 'x'" + storage.on_row_lock()
                ).fetchone()
                execute("UPDATE site_generation SET number = ? WHERE name = 'x'", [row[0] + 1])
        storage.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert number() == 100
