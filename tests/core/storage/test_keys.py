"""Keys: made once, wrapped by the key in the folder, destroyed for ever."""

from __future__ import annotations

import multiprocessing
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from core import config, storage
from core.storage import execute, keys, rotation, transaction
from core.storage.keks import load_keks
from core.storage.keys import KeysDamaged, KeysMissing, Shredded, UnknownKey
from tests.conftest import KEK

KEK_NAME = f"kek-{config.kek_fingerprint(KEK)}.key"
FORK = multiprocessing.get_context("spawn")


def test_a_subject_has_one_key_for_a_purpose(db):
    """Who asks again gets the same key, another subject and another purpose get another."""
    first = keys.key_for("person:a", "cell")

    assert keys.key_for("person:a", "cell") == first
    assert keys.key(first.id) == first
    others = {keys.key_for("person:b", "cell").id, keys.key_for("person:a", "file").id}
    assert first.id not in others
    assert len(others) == 2


def test_a_key_is_kept_wrapped(db):
    """Neither the database nor a repr shows the secret."""
    made = keys.key_for("person:a", "cell")
    ((kek, wrapped),) = execute("SELECT kek, wrapped FROM keys_key").fetchall()

    assert f"kek-{kek}.key" == KEK_NAME
    assert made.secret not in bytes(wrapped)
    assert len(bytes(wrapped)) == keys.WRAPPED_BYTES
    assert made.secret.hex() not in repr(made)
    assert repr(made.secret) not in repr(made)


def test_a_further_key_is_another_one(db):
    """Each file has a key of its own, and none of them becomes the subject's."""
    one, two = keys.new_key("person:a", "file"), keys.new_key("person:a", "file")

    assert len({one.id, two.id, keys.key_for("person:a", "file").id}) == 3
    assert keys.key(two.id) == two


def test_a_key_of_a_transaction_that_failed_is_no_key(db):
    """What was rolled back is forgotten by the process too."""
    with suppress(ZeroDivisionError), transaction():
        lost = keys.key_for("person:a", "cell")
        _ = 1 / 0

    assert keys.key_for("person:a", "cell").id != lost.id
    with pytest.raises(UnknownKey):
        keys.key(lost.id)


def test_threads_that_race_get_the_same_key(db):
    """One of them makes it."""
    start, found = threading.Barrier(8), []

    def ask():
        start.wait()
        found.append(keys.key_for("person:raced", "cell").id)
        storage.close()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert len(found) == 8
    assert len(set(found)) == 1


def test_what_is_shredded_is_gone(db, keys_folder):
    """No key of the subject opens, none is made anew, and the row that stays holds zeros."""
    gone = [keys.key_for("person:a", "cell"), keys.new_key("person:a", "file")]
    other = keys.key_for("person:b", "cell")

    assert keys.shred("person:a") == 2
    for one in gone:
        with pytest.raises(Shredded):
            keys.key(one.id)
    for ask in (keys.key_for, keys.new_key):
        with pytest.raises(Shredded):
            ask("person:a", "cell")
    rows = execute("SELECT wrapped, state FROM keys_key WHERE subject = 'person:a'").fetchall()
    assert {(bytes(wrapped), state) for wrapped, state in rows} == {
        (bytes(keys.WRAPPED_BYTES), "destroyed")
    }
    assert keys.key(other.id) == other
    assert (keys_folder / "shredded").read_text() == "person:a\n"
    assert keys.shred("person:a") == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_no_page_keeps_what_was_shredded(db):
    """Neither the file nor its log holds the wrapped key any more."""
    made = keys.key_for("person:a", "cell")
    ((wrapped,),) = execute("SELECT wrapped FROM keys_key WHERE id = ?", [made.id]).fetchall()
    path = Path(db.removeprefix("sqlite:///"))

    def pages():
        return b"".join(one.read_bytes() for one in path.parent.glob(f"{path.name}*"))

    assert bytes(wrapped) in pages()
    keys.shred("person:a")
    assert bytes(wrapped) not in pages()


def test_shredding_that_is_rolled_back_destroys_nothing(db, keys_folder):
    """The list beside the keys is written after the commit."""
    kept = keys.key_for("person:a", "cell")
    with suppress(ZeroDivisionError), transaction():
        keys.shred("person:a")
        _ = 1 / 0

    assert keys.key(kept.id) == kept
    assert keys.key_for("person:a", "cell") == kept
    assert not (keys_folder / "shredded").exists()


def watch(url, folder, id, pipe):
    """Open a key again and again in another process, until it is gone."""
    storage.connect(url)
    keys.open_keys(folder)
    keys.key(id)
    pipe.send("opened")
    while True:
        try:
            keys.key(id)
        except Shredded:
            pipe.send(time.monotonic())
            return


def test_another_process_stops_within_a_second(db, keys_folder):
    """What it remembers does not outlive the key by more."""
    key = keys.key_for("person:a", "cell")
    mine, its = FORK.Pipe()
    other = FORK.Process(target=watch, args=(db, keys_folder, key.id, its))
    other.start()
    assert mine.poll(60)
    assert mine.recv() == "opened"
    keys.shred("person:a")
    at = time.monotonic()
    assert mine.poll(10)
    stopped = mine.recv()
    other.join(10)

    assert stopped - at < 1.2


def test_a_site_without_its_key_does_not_start(db, keys_folder):
    """One sentence says which file is missing."""
    keys.key_for("person:a", "cell")
    (keys_folder / KEK_NAME).unlink()
    with pytest.raises(KeysMissing, match="no key-encryption key"):
        keys.open_keys(keys_folder)
    config.make_kek(keys_folder)
    with pytest.raises(KeysMissing, match=KEK_NAME):
        keys.open_keys(keys_folder)


def test_a_site_whose_keys_were_all_shredded_starts_with_any(db, keys_folder):
    """Tombstones need no key."""
    keys.key_for("person:a", "cell")
    keys.shred("person:a")
    config.make_kek(keys_folder)

    keys.open_keys(keys_folder)


@pytest.mark.parametrize("text", ["", "no hex", "ab" * 31, "ab" * 33])
def test_a_damaged_key_file_is_named(db, keys_folder, text):
    """A file that holds no key stops the start."""
    (keys_folder / KEK_NAME).write_text(text)

    with pytest.raises(KeysDamaged, match="is damaged"):
        keys.open_keys(keys_folder)


def test_a_key_file_under_a_wrong_name_is_refused(db, keys_folder):
    """The name says which key it is."""
    path = config.make_kek(keys_folder)
    path.rename(keys_folder / "kek-0123456789abcdef.key")

    with pytest.raises(KeysDamaged, match="its name says"):
        keys.open_keys(keys_folder)


def test_a_key_file_that_others_can_read_is_refused(db, keys_folder):
    """The message says what to type."""
    (keys_folder / KEK_NAME).chmod(0o640)

    with pytest.raises(KeysDamaged, match="chmod 600"):
        keys.open_keys(keys_folder)


def test_a_credential_of_systemd_is_a_key_file_too(db, tmp_path, monkeypatch):
    """The key need not lie on the disk of the site."""
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "obolo.kek").write_text(KEK.hex())
    (tmp_path / "bare").mkdir()
    made = keys.key_for("person:a", "cell")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    keys.open_keys(tmp_path / "bare")

    assert keys.key(made.id) == made


def test_a_wrapped_key_that_was_changed_opens_nothing(db, keys_folder):
    """Its subject, its purpose and its bytes are bound together."""
    one, two = keys.key_for("person:a", "cell"), keys.key_for("person:b", "cell")
    execute("UPDATE keys_key SET subject = 'person:c' WHERE id = ?", [one.id])
    execute("UPDATE keys_key SET wrapped = ? WHERE id = ?", [bytes(60), two.id])
    keys.open_keys(keys_folder)

    for damaged in (one, two):
        with pytest.raises(KeysDamaged):
            keys.key(damaged.id)


def test_who_was_erased_after_the_backup_stays_erased(db, keys_folder):
    """A database that comes back from before the erasure learns of it at the start."""
    gone = keys.key_for("person:a", "cell")
    before = execute("SELECT * FROM keys_key").fetchall()
    keys.shred("person:a")
    execute("DELETE FROM keys_key")
    execute("DELETE FROM keys_shredded")
    columns = ("id", "subject", "purpose", "state", "kek", "wrapped", "created", "destroyed")
    storage.insert("keys_key", [dict(zip(columns, row, strict=True)) for row in before])
    keys.open_keys(keys_folder)

    with pytest.raises(Shredded):
        keys.key(gone.id)


def test_the_list_of_the_erased_is_written_again_from_the_database(db, keys_folder):
    """A crash between the commit and the list loses nothing."""
    keys.key_for("person:a", "cell")
    keys.shred("person:a")
    (keys_folder / "shredded").unlink()
    keys.open_keys(keys_folder)

    assert storage.shredded_subjects(keys_folder) == ["person:a"]


def test_a_process_may_start_while_a_new_key_takes_over(db, keys_folder, monkeypatch):
    """It reads the files, a rotation makes one, and only then it asks the database."""
    secret = keys.key_for("person:a", "cell").secret
    rotations = [rotation.rotate_kek()]

    def read(folder):
        found = load_keks(folder)
        while rotations:
            list(rotations.pop())
        return found

    monkeypatch.setattr(keys, "load_keks", read)
    keys.open_keys(keys_folder)
    made = {path.name for path in keys_folder.glob("kek-*.key")} - {KEK_NAME}

    assert made == {f"kek-{keys.current_kek()}.key"}
    assert keys.key_for("person:a", "cell").secret == secret
