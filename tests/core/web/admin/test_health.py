"""Health in the administration: one sentence, one button, or a reason to ignore it."""

from __future__ import annotations

import re

import pytest

from core import audit, scripts
from core.plugins import catalogue
from core.storage import execute
from core.web.admin.health import attention
from tests.people import signed_in

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
KEY = "plugin:nobody"


@pytest.fixture
def boss(client):
    return signed_in(client, "owner")


def test_what_is_wrong_leads_to_where_it_is_put_right(client, boss):
    """Task: see in one tap whether the site is well, and in two be where it can be mended."""
    assert "All is well." in client.get("/admin/health/").text
    signed_in(client, "editor", email="bea@example.org", app=False)
    boss = signed_in(client, "owner", email="eve@example.org")
    page = client.get("/admin/health/?all=1").text

    assert "People of the team without a second factor: 1." in page
    assert re.search(r'class="btn" href="/admin/team/">To the team', page)
    assert boss


def test_a_finding_is_ignored_for_a_reason_and_heeded_again(client, boss):
    """Task: be no longer told of what is known, in two taps and a reason."""
    catalogue.failed["nobody"] = "<i>gone</i>"
    page = client.get("/admin/health/").text
    assert "The plugin nobody is off: &lt;i&gt;gone" in page
    assert "All is well." not in page
    assert boss.post("/admin/health/", key=KEY, reason=" ").status_code == 422
    assert boss.post("/admin/health/", key="made up", reason="x").status_code == 422
    with client.application.test_request_context():
        assert [one.key for one in attention()] == [KEY]
    assert boss.post("/admin/health/", key=KEY, reason="Until May").status_code == 303

    page = client.get("/admin/health/").text
    assert "Until May" in page
    assert "All is well." in page
    with client.application.test_request_context():
        assert attention() == []
    boss.post("/admin/health/", key=KEY, heed="1")
    assert "Until May" not in client.get("/admin/health/").text


def test_a_script_that_the_owner_changed_is_accepted_beside_its_alarm(client, boss):
    """Task: have one's own change taken for right; with a step-up, and in the audit log."""
    scripts.check(client.application.extensions["obolo_themes"].worn)
    execute("UPDATE scripts_script SET accepted = 'another' WHERE src = 'seen.js'")
    page = client.get("/admin/health/").text
    (name,) = re.findall(r'name="name" value="(core/seen.js:[0-9a-f]{16})"', page)
    stale = boss.post("/admin/health/scripts", name=name[:-1] + "x")
    done = boss.post("/admin/health/scripts", name=name)
    (event,) = audit.events(action="scripts.accept")

    assert "The script seen.js of core is not the one that was accepted." in page
    assert (stale.status_code, done.status_code) == (409, 303)
    assert scripts.differences() == []
    assert (event.actor, event.subject) == (boss.user.id, "core/seen.js")
    assert event.data["before"] == "another"
