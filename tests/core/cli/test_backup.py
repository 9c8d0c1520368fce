"""obolo backup: create, verify, restore, and what the restored site does about the time between."""

from __future__ import annotations

import shutil

import psycopg
import pytest

from core import checkout, orders, storage
from core import config as configuration
from core.payments import records
from core.people import sessions
from core.settings import save
from core.storage import execute, files, new_id
from core.storage.segments import Damaged
from plugins.playmoney.chosen import local_bank
from tests import postgres
from tests.conftest import KEK, database_of_its_own
from tests.people import make_user
from tests.stand_in import READER, post_line

PERSON = f"person:{READER.holder}"


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request, template, tmp_path):
    """All of it goes into a backup, so it must hold this test's tables only."""
    with database_of_its_own(request.param, template, tmp_path) as url:
        yield url


@pytest.fixture
def site(home, obolo):
    """Return the folder of a site that begins to sell, with the keys that fit its database."""
    configuration.make_kek(home / "keys", KEK)
    assert obolo("ledger", "verify").code == 0
    save("checkout.allow_loss", value=True, actor="test")
    return home


@pytest.fixture
def file(tmp_path):
    return tmp_path / "site.tar.gz"


@pytest.fixture
def empty(db, tmp_path, monkeypatch):
    """Return the URL of an empty database, which the next commands use."""
    if db.startswith("sqlite"):
        url = f"sqlite:///{tmp_path}/new/obolo.db"
        yield url
        return
    name = new_id("restored")
    with psycopg.connect(postgres.server().get_uri(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield postgres.server().get_uri(database=name)
    storage.close()
    with psycopg.connect(postgres.server().get_uri(), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def begun():
    """Return a payment that the reader has begun at the bank."""
    order = checkout.start_order(READER, (post_line(20, new_id("post")),))
    checkout.pay(order.id, "playmoney", READER, "http://localhost/back")
    (payment,) = records.of_order(order.id)
    return payment


def restored(obolo, site, file, empty, tmp_path, monkeypatch):
    monkeypatch.setenv("OBOLO_DATABASE", empty)
    new = tmp_path / "new"
    done = obolo("backup", "restore", str(file), "--home", str(new), "--keys", str(site / "keys"))
    return new, done


def test_a_site_is_backed_up_verified_and_restored(
    obolo, site, file, empty, tmp_path, monkeypatch, db
):
    """Three commands, each says what it did; the new site runs."""
    one = files.keep(b"hello", mimetype="text/plain", name="a.txt")
    made = obolo("backup", "create", str(file))
    option = () if db.startswith("sqlite") else ("--database", empty)
    verified = obolo("backup", "verify", str(file), *option)
    new, done = restored(obolo, site, file, empty, tmp_path, monkeypatch)

    assert made.code == 0, made.text
    assert f"{file}: " in made.text
    assert "1 files" in made.text
    assert verified.code == 0, verified.text
    assert "0 entries, 0 faults." in verified.text
    assert done.code == 0, done.text
    assert "0 entries, 0 faults." in done.text
    assert oct((new / "keys").stat().st_mode & 0o777) == "0o700"
    assert obolo("--home", str(new), "doctor").code == 0
    assert b"".join(files.find(one.id).read()) == b"hello"
    assert files.find(one.id).path.is_relative_to(new)
    assert obolo("audit", "list").text.count("backup.restored") == 1


def test_without_a_name_it_lies_in_the_sites_folder(obolo, site):
    """With its time in its name."""
    assert obolo("backup", "create").code == 0
    (made,) = (site / "backups").iterdir()

    assert made.name.startswith("obolo-2")
    assert made.name.endswith("Z.tar.gz")
    assert (site / "backups").stat().st_mode & 0o777 == 0o700


def test_a_site_is_kept_as_it_is_before_an_upgrade(obolo, site, file, monkeypatch):
    """The backup migrates nothing, so that the old version can read it."""
    monkeypatch.setattr("core.app.migrate", lambda: pytest.fail("it was migrated"))

    assert obolo("backup", "create", str(file)).code == 0


def test_what_was_paid_meanwhile_is_found_at_the_provider(
    obolo, site, file, empty, tmp_path, monkeypatch
):
    """The restored site asks about every payment, and opens what was paid."""
    payment = begun()
    old = begun()
    execute("UPDATE payments_payment SET next_look = NULL, created = 0 WHERE id = ?", [old.id])
    obolo("backup", "create", str(file))
    local_bank().pay(payment.ref, "pay")
    checkout.refresh(payment.id)
    new, done = restored(obolo, site, file, empty, tmp_path, monkeypatch)
    shutil.rmtree(new / "data")
    shutil.copytree(site / "data", new / "data")  # the bank lives on
    assert orders.find(payment.order).state == "open"
    asked = obolo("--home", str(new), "reconcile")

    assert "1 payments are looked up" in done.text
    assert "1 looked at." in asked.text
    assert orders.find(payment.order).state == "paid"
    assert obolo("ledger", "verify").code == 0


def test_who_was_erased_stays_erased(obolo, site, file, empty, tmp_path, monkeypatch):
    """The list beside the keys is applied before the site is there."""
    one = files.keep(b"hello", mimetype="text/plain", name="a.txt", subject=PERSON)
    obolo("backup", "create", str(file))
    storage.shred(PERSON)
    _, done = restored(obolo, site, file, empty, tmp_path, monkeypatch)

    assert done.code == 0, done.text
    assert execute("SELECT id FROM files_file").fetchall() == [(one.id,)]
    with pytest.raises(storage.Shredded):
        files.find(one.id)


def test_nobody_is_signed_in_after_a_restore(obolo, site, file, empty, tmp_path, monkeypatch):
    """A session that was ended after the backup must not be alive again."""
    user = make_user()[0]
    token = sessions.start(user.id, strong=False, agent="")
    obolo("backup", "create", str(file))
    sessions.end_all(user.id, actor=user.id)
    _, done = restored(obolo, site, file, empty, tmp_path, monkeypatch)

    assert done.code == 0, done.text
    assert execute("SELECT COUNT(*) FROM people_user").fetchone()[0] == 1
    assert sessions.by_token(token) is None


def test_a_damaged_file_is_named_by_verify(obolo, site, file, empty, db):
    """It was damaged before it was backed up, so its digest is right."""
    one = files.keep(b"hello", mimetype="text/plain", name="a.txt")
    data = bytearray(one.path.read_bytes())
    data[-1] ^= 1
    one.path.write_bytes(data)
    obolo("backup", "create", str(file))
    option = () if db.startswith("sqlite") else ("--database", empty)
    done = obolo("backup", "verify", str(file), *option)

    assert done.code == 1
    assert f"WRONG  file: {one.id}: {Damaged()}" in done.text
    assert "1 faults." in done.text


def test_a_cell_that_does_not_open_is_named_by_verify(obolo, site, file, empty, db):
    """Its row and column; nothing of what stood there."""
    one = files.keep(b"hello", mimetype="text/plain", name="a.txt")
    two = files.keep(b"hello", mimetype="text/plain", name="b.txt")
    execute("UPDATE files_file SET name = (SELECT name FROM files_file WHERE id = ?)", [two.id])
    obolo("backup", "create", str(file))
    option = () if db.startswith("sqlite") else ("--database", empty)
    done = obolo("backup", "verify", str(file), *option)

    assert done.code == 1
    assert f"WRONG  vault: files_file.name of {one.id} cannot be read" in done.text
    assert two.id not in done.text


def test_a_backup_that_was_changed_is_refused(obolo, site, file):
    """With a sentence, and an exit code for whoever looks after it."""
    obolo("backup", "create", str(file))
    file.write_bytes(file.read_bytes()[:-1000])
    done = obolo("backup", "verify", str(file))

    assert done.code == 1
    assert "not whole" in str(done.error)


def test_without_its_keys_nothing_is_restored(obolo, site, file, tmp_path):
    """They are kept apart, so they must be brought."""
    obolo("backup", "create", str(file))
    bare = obolo("backup", "restore", str(file), "--home", str(tmp_path / "bare"))
    again = obolo("backup", "restore", str(file), "--home", str(site), "--keys", str(site / "keys"))

    assert "There is no key" in str(bare.error)
    assert "has keys already" in str(again.error)
    assert (bare.code, again.code) == (1, 1)
    assert not (tmp_path / "bare" / "obolo.db").exists()


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_on_postgres_the_books_need_a_place_to_be_looked_at(obolo, site, file):
    """Without one only the digests are checked, and it is said so."""
    obolo("backup", "create", str(file))
    done = obolo("backup", "verify", str(file))

    assert done.code == 0
    assert "The books were not looked at" in done.text
