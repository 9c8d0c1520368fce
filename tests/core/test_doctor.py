"""What needs attention is found, once, and can be ignored for a reason."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine

from core import audit, doctor, mail, tasks
from core.clock import now
from core.doctor import SENTENCES, findings, heed, ignore, ignored
from core.payments import Hint, inbox
from core.plugins import catalogue, enabled
from core.storage import backup, execute, transaction
from core.verify import Fault
from tests.people import make_user
from tests.stand_in import StandIn, charge, dispute, plugged, settled, sold

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def home(db, tmp_path):
    mail.configure("console:")
    with plugged():
        yield tmp_path


def kinds(home, **options):
    return {one.kind: one.level for one in findings(home, **options)}


def test_a_new_site_has_nothing_that_is_wrong(home):
    """Messages into the log are worth a note."""
    assert kinds(home, deep=True) == {"console": "note"}


@on_sqlite
def test_a_plugin_that_is_off_is_wrong_and_comes_first(home):
    """Each finding says one sentence."""
    catalogue.failed["nobody"] = "there is no folder"
    first = findings(home)[0]

    assert (first.level, first.key) == ("wrong", "plugin:nobody")
    assert first.sentence == "The plugin nobody is off: there is no folder"


@on_sqlite
def test_a_plugin_that_was_paused_is_wrong(home):
    """The breaker took it out; the owner reads why, and is told anew when it happens again."""
    enabled.enable("tipjar", actor="test")
    enabled.pause("tipjar", "it failed five times", "")
    (first,) = [one for one in findings(home) if one.kind == "paused"]

    assert first.sentence == "The plugin tipjar is paused: it failed five times"
    assert first.key.startswith("paused:tipjar:")


def test_what_waits_is_seen_soon(home):
    """A delivery that failed, a message that was given up, work that nobody does."""
    inbox.keep("standin", Hint("ev_1", "pay_1", "", ""))
    assert "delivery" not in kinds(home)
    inbox.failed("standin", "ev_1", "no answer")
    inbox.keep("standin", Hint("ev_2", "pay_1", "", ""))
    inbox.failed("standin", "ev_2", "a time-out")
    with transaction():
        mail.send("ada@example.org", "Hello", "You", "en")
    execute("UPDATE mail_message SET next_try = NULL")
    tasks.every("test.doctor", 1, lambda: None)
    tasks.run_due(now())
    found = kinds(home)
    sentences = [one.sentence for one in findings(home)]
    with time_machine.travel(now() + timedelta(minutes=11)):
        later = kinds(home)
    tasks.only([])

    assert (found["delivery"], found["mail"]) == ("soon", "soon")
    assert "Messages of standin that could not be settled: 2. a time-out" in sentences
    assert "tasks" not in found
    assert later["tasks"] == "soon"


@on_sqlite
def test_money_of_no_order_and_play_money_are_seen(home):
    """The first is to be looked at, the second is only said."""
    provider = StandIn(mode="test")
    catalogue.providers[provider.name] = provider
    assert kinds(home)["play"] == "note"
    live = StandIn()
    catalogue.providers[live.name] = live
    payment = settled(live, sold(live), charge("ch", 20), charge("ch_2", 20))
    assert "dispute" not in kinds(home)
    settled(live, payment, dispute("dp", 20))
    said = {one.kind: one.sentence for one in findings(home)}

    assert said["dispute"].startswith("A payment is disputed: 0.20 EUR")
    assert kinds(home)["unassigned"] == "soon"
    assert "play" not in kinds(home)


@on_sqlite
def test_a_backup_may_not_be_old_nor_missing_for_long(home):
    """Eight days, and two days for a new site."""
    with transaction():
        audit.record("site.begin", actor="cli")
    assert "no_backup" not in kinds(home)
    with time_machine.travel(now() + timedelta(days=3)):
        assert kinds(home)["no_backup"] == "soon"
    folder = home / backup.FOLDER
    folder.mkdir()
    (folder / now().strftime(backup.NAME)).touch()
    (folder / "obolo-yesterday.tar.gz").touch()

    assert not {"backup", "no_backup"} & set(kinds(home))
    with time_machine.travel(now() + timedelta(days=9)):
        assert kinds(home)["backup"] == "soon"


@on_sqlite
def test_the_disk_and_the_team_are_looked_at(home, monkeypatch):
    """A full disk stops a site; staff without a second factor cannot work."""
    make_user(role="editor")
    execute("PRAGMA synchronous = NORMAL")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1, 1, 2**20))

    found = kinds(home)
    assert (found["disk"], found["space"], found["factor"]) == ("wrong", "wrong", "note")


@on_sqlite
def test_the_long_checks_are_made_on_demand(home, monkeypatch):
    """All of the books, and the seals on the audit log."""
    monkeypatch.setattr(doctor, "verify", lambda: [Fault("balanced", "ent_1", "it is not")])
    monkeypatch.setattr(type(audit.EVENTS), "broken", lambda self: [3])

    assert "books" not in kinds(home)
    assert kinds(home, deep=True)["books"] == "wrong"
    assert "The audit events no longer match the seal 3." in [
        one.sentence for one in findings(home, deep=True)
    ]


def test_a_finding_is_ignored_until_it_is_heeded(home):
    """The reason and who gave it stay in the audit log; what is new is not ignored with it."""
    catalogue.failed["nobody"] = "there is no folder"
    (finding,) = [one for one in findings(home) if one.kind == "plugin"]
    ignore(finding.key, "It comes back in May", actor="usr_1")
    assert ignored() == {"plugin:nobody": "It comes back in May"}
    heed(finding.key, actor="usr_1")

    assert ignored() == {}
    assert [one.actor for one in audit.events(subject=finding.key)] == ["usr_1"] * 2


def test_every_kind_has_a_sentence_whose_words_are_given(home):
    """No sentence has an empty place: the checks name kinds that are there."""
    source = Path(doctor.__file__).read_text()

    assert [kind for kind in SENTENCES if source.count(f'"{kind}"') < 2] == []
