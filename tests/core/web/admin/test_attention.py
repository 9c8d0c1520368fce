"""What needs attention, and what does not."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest

from core import checkout
from core.clock import now
from core.payments import Hint, inbox
from core.plugins import catalogue
from core.settings import save
from core.storage import execute, insert, micros
from core.web.admin.attention import matters, newest_backup
from tests.stand_in import begun, charge, dispute, paid, post_line, sold

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def home(client, provider):
    """Return the folder of a site whose worker was seen now and that has a backup."""
    insert("tasks_slot", {"name": "mail", "slot": 1, "at": micros(now())})
    folder = client.application.extensions["obolo_config"].home
    (folder / "backups").mkdir()
    (folder / "backups" / "a.tar.gz").write_bytes(b"")
    with client.application.test_request_context():
        yield folder


def said():
    return [(one.look, one.words) for one in matters()]


def test_a_site_that_is_well_asks_for_nothing(home, provider):
    """A sale is no matter."""
    sold(provider)

    assert said() == []


def test_money_that_went_astray_is_told(home, provider):
    """A dispute is worse than money that belongs to nobody, so it comes first."""
    odd = begun(provider)
    checkout.settle(provider, odd.id, paid(odd, charge("ch_odd", 35)))
    lost = sold(provider, post_line(20, "post:other"))
    known = lost.facts.join(paid(lost, dispute("dp_1", 20)))
    checkout.settle(provider, lost.id, known)
    (bad, busy) = matters()

    assert (bad.look, bad.words) == ("bad", "1 payment is disputed: €0.20 are held back.")
    assert bad.address == f"/admin/orders/{lost.order}"
    assert busy.words == "€0.35 came in and belong to no sale."
    assert busy.address == "/admin/money/#unassigned"


def test_what_is_broken_is_told(home, provider):
    """A plugin that is off, messages that cannot be settled, a worker that is away."""
    catalogue.failed["broken"] = "OSError: it broke"
    inbox.keep("standin", Hint("evt_1"))
    assert len(said()) == 1
    inbox.failed("standin", "evt_1", "it broke")
    execute("UPDATE tasks_slot SET at = ?", [micros(now() - timedelta(minutes=3))])
    found = said()
    catalogue.failed.clear()

    assert [look for look, _ in found] == ["bad"] * 3
    assert "broken" in found[0][1]
    assert "Start a worker" in found[1][1]
    assert found[2][1] == "1 message of a provider could not be settled."


def test_what_should_be_done_is_told(home):
    """A fee that may eat a sale, a backup that is old or was never made."""
    save("checkout.allow_loss", value=True, actor="test")
    long_ago = (now() - timedelta(days=8, minutes=1)).timestamp()
    os.utime(home / "backups" / "a.tar.gz", (long_ago, long_ago))
    loss, old = said()
    (home / "backups" / "a.tar.gz").unlink()

    assert loss[0] == old[0] == "busy"
    assert old[1] == "The last backup is 8 days old."
    assert said()[1][1] == "There is no backup yet."
    assert newest_backup(home) is None
