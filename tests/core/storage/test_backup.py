"""Backups: all of a site at one instant, and back again, whole or not at all."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing, contextmanager

import psycopg
import pytest

from core import storage
from core.app import ROOT
from core.ledger import Leg, balance, post
from core.storage import archive, backup, copies, execute, files, insert, new_id, transaction
from core.storage.archive import BadBackup
from core.verify import verify
from tests import postgres
from tests.conftest import database_of_its_own
from tests.stand_in import eur

HISTORIES = {"core": ROOT / "core" / "migrations"}
SECRET = "Ricetta segreta"
NOTES = """
def up(migrator, db):
    db.execute_sql("CREATE TABLE note_a (id NUMBER PRIMARY KEY, parent INT REFERENCES note_a (id))")
    db.execute_sql("INSERT INTO note_a (parent) VALUES (NULL)")
"""


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request, template, tmp_path):
    """All of it goes into a backup, so it must hold this test's tables only."""
    with database_of_its_own(request.param, template, tmp_path) as url:
        yield url


@pytest.fixture
def home(db, tmp_path):
    """Return the home of a site that sold something and keeps a file."""
    home = tmp_path / "home"
    files.set_folder(home / "files")
    earn(20)
    yield home
    files.set_folder(None)


def earn(minor):
    with transaction():
        legs = [Leg("assets:bank", eur(minor)), Leg("income:posts", eur(-minor))]
        post(new_id("sale"), legs, reason="sold")


def earned():
    return balance("income:posts", "EUR").minor


def kept(text=b"hello", **more):
    return files.keep(text, mimetype="text/plain", name=SECRET, **more)


def made(home, db, name="site.tar.gz"):
    backup.create(home.parent / name, home=home, url=db)
    return home.parent / name


@contextmanager
def new_place(db, home):
    """Yield a new home with the site's keys, and the URL of a database that is not there yet."""
    new = home.parent / "new"
    new.mkdir()
    shutil.copytree(home / "keys", new / "keys")
    if db.startswith("sqlite"):
        yield new, f"sqlite:///{new}/obolo.db"
        return
    name = f"restored_{new_id('x')}"
    with psycopg.connect(postgres.server().get_uri(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield new, postgres.server().get_uri(database=name)
    storage.close()
    with psycopg.connect(postgres.server().get_uri(), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def place(db, home):
    with new_place(db, home) as (new, url):
        yield new, url


def restored(file, place, finish=None, histories=HISTORIES, **more):
    new, url = place

    def default(_manifest):
        storage.open_keys(new / "keys")
        files.set_folder(new / "files")

    return backup.restore(
        file, home=new, url=url, histories=histories, finish=finish or default, **more
    )


def names(file):
    return [name for name, _ in archive.members(file)]


def test_a_site_comes_back_as_it_was(db, home, place):
    """Books, bounds, files and what plugins keep; not what came after."""
    one = kept(b"hello" * 50_000)
    (home / "data" / "posts").mkdir(parents=True)
    (home / "data" / "posts" / "cat.txt").write_text("a cat")
    file = made(home, db)
    earn(30)
    later = kept()
    manifest = restored(file, place)

    assert earned() == -20
    assert verify() == []
    assert b"".join(files.find(one.id).read()) == b"hello" * 50_000
    assert files.find(one.id).name == SECRET
    assert (place[0] / "data" / "posts" / "cat.txt").read_text() == "a cat"
    assert execute("SELECT COUNT(*) FROM files_file").fetchone()[0] == 1
    assert not (place[0] / "files" / later.id[-2:] / later.id).exists()
    assert list(manifest.migrations) == ["core"]


def test_the_books_stay_append_only(db, home, place):
    """Triggers come back with the tables, and the site goes on to sell."""
    restored(made(home, db), place)
    earn(5)

    assert earned() == -25
    for change in ("DELETE FROM ledger_leg", "UPDATE ledger_entry SET reason = 'x'"):
        with pytest.raises(Exception, match="append-only"), transaction():
            execute(change)
    with pytest.raises(Exception, match=r"(?i)foreign|constraint"), transaction():
        insert("ledger_leg", {
            "entry_id": "none", "number": 1, "account": "a", "currency": "EUR", "minor": 1,
        })  # fmt: skip


def test_no_key_that_opens_is_in_a_backup(db, home):
    """Neither the key-encryption key nor the one that signs cookies, in no form; only wrapped."""
    one = kept()
    (home / "keys" / "session.key").write_text("ab" * 32)
    kek = next((home / "keys").glob("kek-*.key")).read_text().strip()
    file = made(home, db, "site.tar")
    whole = file.read_bytes()

    for secret in (kek, "ab" * 32, SECRET):
        assert secret.encode() not in whole
    assert bytes.fromhex(kek) not in whole
    assert storage.key(one.key).secret not in whole
    assert not [name for name in names(file) if "key" in name and not name.endswith(".copy")]
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_backup_is_never_written_over_another(db, home):
    """Nor over anything else."""
    file = made(home, db)
    whole = file.read_bytes()
    with pytest.raises(BadBackup, match="there already"):
        made(home, db)

    assert file.read_bytes() == whole
    assert sorted(path.name for path in home.parent.iterdir() if "site" in path.name) == [file.name]


def test_a_file_that_is_deleted_meanwhile_is_left_out(db, home, place, monkeypatch):
    """The copy of the database names it, so the restore forgets it."""
    one, two = kept(), kept(b"two")
    pack = backup._pack_file

    def pack_late(writer, folder, id):
        if id == one.id and one.path.exists():
            files.delete(one.id)
        return pack(writer, folder, id)

    monkeypatch.setattr(backup, "_pack_file", pack_late)
    manifest = restored(made(home, db), place)

    assert manifest.gone == [one.id]
    assert [row[0] for row in execute("SELECT id FROM files_file").fetchall()] == [two.id]
    assert list(files.faults()) == []


def test_a_file_that_is_missing_stops_the_backup(db, home):
    """A backup that is not whole is none."""
    one = kept()
    one.path.unlink()
    with pytest.raises(BadBackup, match=one.id):
        made(home, db)

    assert not [path for path in home.parent.iterdir() if "site" in path.name]


def test_a_database_of_a_plugin_is_copied_as_one(db, home, place):
    """A plain copy of a database to which somebody writes would be torn."""
    data = home / "data" / "playmoney"
    data.mkdir(parents=True)
    with closing(sqlite3.connect(data / "bank.db")) as bank:
        bank.execute("PRAGMA journal_mode = wal")
        bank.execute("CREATE TABLE coin (minor)")
        bank.execute("INSERT INTO coin VALUES (7)")
        bank.commit()
        file = made(home, db)
    restored(file, place)
    with copies.still(place[0] / "data" / "playmoney" / "bank.db") as bank:
        assert bank.execute("SELECT minor FROM coin").fetchall() == [(7,)]

    assert [name for name in names(file) if name.startswith("data/")] == ["data/playmoney/bank.db"]


def test_a_site_is_never_restored_over_another(db, home, place):
    """The folder may hold the keys and how the process runs; the database nothing."""
    file = made(home, db)
    (place[0] / "files").mkdir()
    with pytest.raises(backup.NotEmpty, match="files"):
        restored(file, place)
    (place[0] / "files").rmdir()
    with pytest.raises(backup.NotEmpty):
        restored(file, (place[0], db))

    storage.connect(db)
    assert earned() == -20


def test_what_fails_at_the_end_leaves_no_site(db, home, place):
    """The database takes its place last, so that nobody who was erased is there for a moment."""
    file = made(home, db)

    def fail(_manifest):
        assert earned() == -20
        storage.open_keys(home / "keys")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        restored(file, place, fail)
    new, url = place
    if db.startswith("sqlite"):
        assert not (new / "obolo.db").exists()
        return
    storage.connect(url)
    assert copies.tables(copies.ask_here) == []


def test_a_rehearsal_looks_and_leaves_nothing(db, home, place):
    """The database of PostgreSQL is empty afterwards and can be used again."""
    file = made(home, db)
    seen = []

    def look(_manifest):
        storage.open_keys(home / "keys")
        seen.append(earned())

    for turn in ("one", "two"):
        new = home.parent / turn
        new.mkdir()
        url = place[1] if not db.startswith("sqlite") else f"sqlite:///{new}/obolo.db"
        restored(file, (new, url), look, rehearsal=True)
        storage.close()

    assert seen == [-20, -20]


def test_a_backup_of_the_other_database_or_a_newer_version_is_refused(db, home, place, tmp_path):
    """Before anything is written."""
    file = made(home, db)
    other = "postgresql://nowhere/x" if db.startswith("sqlite") else f"sqlite:///{tmp_path}/x.db"
    with pytest.raises(BadBackup, match="backup of"):
        restored(file, (place[0], other))
    with pytest.raises(BadBackup, match="newer version"):
        restored(file, place, histories={"core": tmp_path})

    assert [path.name for path in place[0].iterdir()] == ["keys"]


def test_a_plugins_tables_come_back_on_postgres_with_its_migrations(db, home, place, tmp_path):
    """Numbers that the database gives go on where they were; without the plugin it is refused."""
    folder = tmp_path / "notes"
    folder.mkdir()
    number = "INTEGER" if db.startswith("sqlite") else "SERIAL"
    (folder / "0001_initial.py").write_text(NOTES.replace("NUMBER", number))
    with storage.lock_migrations():
        storage.Migrations("note", folder).apply()
    try:
        execute("INSERT INTO note_a (parent) VALUES (1)")
        file = made(home, db)
    finally:
        for table in ("note_a", "note_migrations"):
            execute(f"DROP TABLE {table}")
    if not db.startswith("sqlite"):
        with pytest.raises(BadBackup, match="plugin note"):
            restored(file, place)
    restored(file, place, histories={**HISTORIES, "note": folder})
    execute("INSERT INTO note_a (parent) VALUES (2)")

    assert execute("SELECT id, parent FROM note_a ORDER BY id").fetchall() == [
        (1, None), (2, 1), (3, 2),
    ]  # fmt: skip


def rewritten(file, act, seal=lambda _: "0" * 64):
    """Write a backup anew with other contents and right digests, as somebody with the file can."""
    manifest, other = archive.check(file), file.with_name("other.tar")
    scratch = file.with_name("scratch")
    with archive.writing(other) as writer:
        for name, member in archive.members(file):
            if name == archive.MANIFEST:
                continue
            scratch.write_bytes(act(name, member.read()))
            with scratch.open("rb") as opened:
                writer.add(name, opened)
        writer.finish(
            seal, version="1", made=manifest.made, database=manifest.database,
            migrations=manifest.migrations, tables=manifest.tables, gone=[],
        )  # fmt: skip
    return other


def test_a_backup_that_somebody_else_wrote_is_refused(db, home, place):
    """Digests prove nothing against who writes them; the seal needs the site's key."""
    file = rewritten(made(home, db), lambda _name, data: data)
    archive.check(file)
    with pytest.raises(BadBackup, match="not made by the site"):
        restored(file, place)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_database_that_is_damaged_is_refused(home, db, place):
    """Its digest may be right: it was damaged before the backup."""
    file = rewritten(made(home, db), lambda _, data: data[:8192] + bytes(len(data) - 8192))
    with pytest.raises(BadBackup, match="damaged"):
        restored(file, place)
