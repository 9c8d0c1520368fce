"""Backups in the administration."""

from __future__ import annotations

import pytest

from core import audit
from core.storage import archive, backup
from core.web.admin.health import home
from tests.people import signed_in

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_a_backup_is_made_while_the_site_runs(client):
    """Task: be safe before a change, in two taps; the page says how one is brought back."""
    boss = signed_in(client, "owner")
    assert "There is no backup yet." in client.get("/admin/backups/").text
    answer = boss.post("/admin/backups/")
    page = client.get(answer.location).text
    with client.application.app_context():
        folder = home()
    (made,) = backup.listed(folder)

    assert "A backup is being made" in page
    assert made.name in page
    assert "obolo backup restore" in page
    assert archive.check(folder / backup.FOLDER / made.name).members
    assert [one.actor for one in audit.events(action="backup.ask")] == [boss.user.id]


def test_a_backup_asks_once_more_who_it_is(client):
    """It is all that the site has."""
    late = signed_in(client, "owner", proved=False)

    for page in ("", "download"):
        assert late.post(f"/admin/backups/{page}").location.startswith("/account/confirm")


def test_a_backup_is_downloaded_by_who_knows_what_is_in_it(client):
    """Task: keep one elsewhere, in three taps; not all of it is sealed, so a tick says so first."""
    boss = signed_in(client, "owner")
    boss.post("/admin/backups/")
    with client.application.app_context():
        (made,) = backup.listed(home())
        data = (home() / backup.FOLDER / made.name).read_bytes()
    refused = boss.post("/admin/backups/download", name=made.name)
    done = boss.post("/admin/backups/download", name=made.name, sure="yes")

    assert refused.status_code == 422
    assert "not encrypted as a whole" in refused.text
    assert (done.data == data, done.headers["Cache-Control"]) == (True, "private, no-store")
    assert made.name in done.headers["Content-Disposition"]
    assert [one.subject for one in audit.events(action="backup.download")] == [made.name]
    for name in ("../obolo.db", "obolo.toml", ""):
        assert boss.post("/admin/backups/download", name=name, sure="yes").status_code == 404
