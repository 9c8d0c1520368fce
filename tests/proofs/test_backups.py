"""Backups under load: each one is the site at one instant, and who was erased stays erased.

`OBOLO_PROOF_FACTOR=17` takes 51 backups on each database. Beside each proof stands a weak twin that
must fail: a plain copy of a live file, tables read one after another, a restore without the list.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import shutil
import sqlite3
import time
from contextlib import closing, contextmanager

import psycopg
import pytest

from core import storage
from core.app import ROOT
from core.ledger import Bound, Leg, balance, declare_bounds, post
from core.storage import backup, copies, execute, files, new_id, transaction
from core.storage.tombstones import FILE
from core.verify import verify
from tests import postgres
from tests.conftest import database_of_its_own
from tests.stand_in import eur

FACTOR = int(os.environ.get("OBOLO_PROOF_FACTOR", "1"))
BACKUPS = 3 * FACTOR
TRIES = 40
"""So often at most a weak twin is tried before it must have failed."""
HISTORIES = {"core": ROOT / "core" / "migrations"}
PURSE = "liabilities:purse:gst_a"
BOUNDS = {"liabilities:purse:": Bound(least=0)}
PERSON = "person:gst_a"
KEPT_FILES = 5

pytestmark = pytest.mark.proof


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request, template, tmp_path):
    """All of it goes into a backup, so it must hold this test's tables only."""
    with database_of_its_own(request.param, template, tmp_path) as url:
        yield url


@pytest.fixture
def home(db, tmp_path):
    home = tmp_path / "home"
    files.set_folder(home / "files")
    declare_bounds(BOUNDS)
    yield home
    files.set_folder(None)


def write_on(count=None):
    """Sell from a bounded purse, keep files and delete them again, as fast as it goes."""
    kept = []
    for number in itertools.count() if count is None else range(count):
        with transaction():
            post(new_id("fill"), [Leg("assets:bank", eur(20)), Leg(PURSE, eur(-20))], reason="fill")
            post(
                new_id("sale"), [Leg(PURSE, eur(20)), Leg("income:posts", eur(-20))], reason="sale"
            )
            if number % 3 == 0:
                text = f"file {number} ".encode() * 1000
                kept.append(files.keep(text, mimetype="text/plain", name="a", subject=PERSON).id)
        if len(kept) > KEPT_FILES:
            files.delete(kept.pop(0))


@contextmanager
def load():
    """Write in a process of its own for as long as the block lasts."""
    write_on(10)
    storage.close()  # a child must not inherit an open connection
    writer = multiprocessing.get_context("fork").Process(target=write_on)
    writer.start()
    try:
        yield
    finally:
        writer.kill()
        writer.join()


@contextmanager
def empty(db, home):
    """Yield a new home with the site's keys and an empty database, and remove both afterwards."""
    new = home.parent / new_id("new")
    new.mkdir()
    shutil.copytree(home / "keys", new / "keys")
    name = new_id("restored")
    if db.startswith("sqlite"):
        yield new, f"sqlite:///{new}/obolo.db"
    else:
        with psycopg.connect(postgres.server().get_uri(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        yield new, postgres.server().get_uri(database=name)
    storage.close()
    if not db.startswith("sqlite"):
        with psycopg.connect(postgres.server().get_uri(), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    shutil.rmtree(new)


def found_in(file, db, home, *, with_list=True):
    """Restore a backup; return how many entries it holds, what is wrong, and its files."""
    with empty(db, home) as (new, url):
        if not with_list:
            (new / "keys" / FILE).unlink()

        def finish(_manifest):
            storage.open_keys(new / "keys")
            files.set_folder(new / "files")

        backup.restore(file, home=new, url=url, histories=HISTORIES, finish=finish)
        entries = execute("SELECT COUNT(*) FROM ledger_entry").fetchone()[0]
        wrong = [str(fault) for fault in verify()] + list(files.faults())
        if balance(PURSE, "EUR").minor != 0:
            wrong.append("the purse is not empty between two transactions")
        texts = [readable(row[0]) for row in execute("SELECT id FROM files_file").fetchall()]
    storage.connect(db)
    storage.open_keys(home / "keys")
    files.set_folder(home / "files")
    return entries, wrong, texts


def readable(id):
    try:
        return b"".join(files.find(id).read())
    except storage.Shredded:
        return None


def test_backups_of_a_site_that_sells_are_whole(db, home):
    """All legs of an entry, all balances, all files that a row names; later ones hold more."""
    counts, seconds = [0], []
    with load():
        for number in range(BACKUPS):
            file = home.parent / f"{number}.tar.gz"
            started = time.perf_counter()
            manifest = backup.create(file, home=home, url=db)
            seconds.append(time.perf_counter() - started)
            entries, wrong, texts = found_in(file, db, home)
            file.unlink()

            assert wrong == []
            assert entries > counts[-1], "the site sold while it was backed up"
            assert entries % 2 == 0, "both entries of a transaction or none"
            assert len(texts) >= KEPT_FILES - len(manifest.gone) - 1
            assert all(text.startswith(b"file ") for text in texts)
            counts.append(entries)
    print(f"\n{BACKUPS} backups, {counts[-1]} entries, slowest {max(seconds):.2f} s")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_plain_copy_of_a_live_file_loses_or_breaks(db, home, tmp_path):
    """The weak twin: what was answered is still in the write-ahead log."""
    live, copy = tmp_path / "obolo.db", tmp_path / "copied.db"

    def is_whole():
        with closing(sqlite3.connect(live)) as connection:
            before = connection.execute("SELECT COUNT(*) FROM ledger_entry").fetchone()[0]
            shutil.copyfile(live, copy)  # an open connection, so that nothing is folded in
        try:
            with copies.still(copy) as connection:
                sound = connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                after = connection.execute("SELECT COUNT(*) FROM ledger_entry").fetchone()[0]
        except sqlite3.DatabaseError:
            return False
        return sound and after >= before

    with load():
        assert not all(is_whole() for _ in range(TRIES))


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_tables_read_one_after_another_do_not_fit(db, home, monkeypatch):
    """The weak twin: without one snapshot there are legs of entries that it has not."""

    @contextmanager
    def torn(url):
        with psycopg.connect(url, autocommit=True) as connection:
            yield connection

    def is_whole(number):
        file = home.parent / f"{number}.tar"
        backup.create(file, home=home, url=db)
        try:
            return found_in(file, db, home)[1] == []
        except Exception:  # noqa: BLE001 - a reference without its row
            return False
        finally:
            storage.close()
            storage.connect(db)

    monkeypatch.setattr(copies, "snapshot", torn)
    with load():
        assert not all(is_whole(number) for number in range(TRIES))


def test_an_erased_person_stays_erased_after_an_older_backup(db, home):
    """The weak twin restores without the list beside the keys, and the person is back."""
    file = home.parent / "before.tar"
    write_on(4)
    before = sorted(readable(row[0]) for row in execute("SELECT id FROM files_file").fetchall())
    backup.create(file, home=home, url=db)
    storage.shred(PERSON)
    entries, wrong, texts = found_in(file, db, home)
    weak = found_in(file, db, home, with_list=False)[2]

    assert len(before) == 2
    assert (entries, wrong) == (8, [])
    assert texts == [None, None]
    assert sorted(weak) == before
