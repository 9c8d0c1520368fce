"""obolo keys."""

from __future__ import annotations

import json
import stat

import pytest

from core import audit, mail
from core.storage import execute, keys
from core.storage.keys import KeysMissing
from core.storage.shares import WrongShares


@pytest.fixture
def site(home, obolo):
    """Return what runs a command, on a site that has a message in its outbox."""
    obolo("keys", "status")
    mail.send("x@site.example", "Ciao", "Testo", "it", holder="usr_1")
    return obolo


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Wait no longer than the caches of this process live."""
    monkeypatch.setattr("core.storage.rotation.rotate_dek.__kwdefaults__", {"grace": 1.1})


def kek_files(home):
    return sorted((home / "keys").glob("kek-*.key"))


def test_a_key_is_made_once(home, obolo):
    """A site of an older version gets its key; the second time nothing changes."""
    (kek_files(home)[0]).unlink()
    first = obolo("keys", "init")
    (path,) = kek_files(home)
    text = path.read_text()
    again = obolo("keys", "init")

    assert (first.code, again.code) == (0, 0)
    assert "made" in first.text
    assert "there already" in again.text
    assert path.read_text() == text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_no_new_key_is_made_for_a_database_that_has_keys(home, site):
    """It would open nothing; the file that is lost must come back."""
    kek_files(home)[0].unlink()
    done = site("keys", "init")

    assert isinstance(done.error, KeysMissing)
    assert kek_files(home) == []


def test_the_status_shows_keys_and_no_secret(home, site):
    """For a person, and for a machine."""
    text, found = site("keys", "status"), json.loads(site("keys", "status", "--json").text)

    assert kek_files(home)[0].name in text.text
    assert "person" in text.text
    assert found["classes"]["person"]["cells"] == 3
    assert kek_files(home)[0].read_text().strip() not in text.text


def test_keys_are_rotated_and_noted(home, site):
    """What was sealed is read as before; the audit log has a line for each."""
    kek = site("keys", "rotate-kek")
    dek = site("keys", "rotate-dek", "--class", "person")
    index = site("keys", "rotate-index", "--column", "people_user.email")

    assert "1 keys are wrapped" in kek.text
    assert "3 cells were sealed anew" in dek.text
    assert index.code == 0
    assert len(kek_files(home)) == 2
    assert "0 faults" in site("keys", "verify").text
    actions = {event.action for event in audit.events(limit=5)}
    assert {"keys.rotate_kek", "keys.rotate_dek", "keys.rotate_index"} <= actions


def test_a_class_that_does_not_exist_is_refused(site):
    """A slip does not look like work that was done."""
    done = site("keys", "rotate-dek", "--class", "persons")

    assert done.code == 2
    assert "Write person" in done.text


def test_what_cannot_be_read_is_listed(site):
    """And the command fails."""
    execute("UPDATE mail_message SET body = subject")
    done = site("keys", "verify")

    assert done.code == 1
    assert "mail_message.body of msg_" in done.text
    assert "3 cells, 1 faults." in done.text


def test_who_shreds_types_it_twice(home, site, monkeypatch):
    """A slip destroys nothing; with --yes nobody is asked."""
    monkeypatch.setattr("click.prompt", lambda _text: "person:usr_2")
    slip = site("keys", "shred", "--subject", "person:usr_1")
    assert slip.code == 1
    assert keys.key_for("person:usr_1", "cell")

    done = site("keys", "shred", "--subject", "person:usr_1", "--yes")
    assert "1 keys of person:usr_1 are destroyed" in done.text
    with pytest.raises(keys.Shredded):
        keys.key_for("person:usr_1", "cell")
    assert (home / "keys" / "shredded").read_text() == "person:usr_1\n"
    (event,) = audit.events(limit=1)
    assert (event.action, event.subject) == ("keys.shred", "person:usr_1")


def test_a_lost_key_comes_back_from_its_shares(home, site):
    """Three of five make the file again, and the site starts; nothing is written over."""
    lines = site("keys", "escrow").text.splitlines()
    made = [line for line in lines if line.startswith("obolo-")]
    (path,) = kek_files(home)
    kept = path.read_text()
    path.unlink()
    few = site("keys", "recover", *made[:2])
    assert isinstance(few.error, WrongShares)
    done = site("keys", "recover", made[4], made[0], made[2])

    assert done.code == 0
    assert path.read_text() == kept
    assert "0 faults" in site("keys", "verify").text
    assert "there already" in site("keys", "recover", *made).text
