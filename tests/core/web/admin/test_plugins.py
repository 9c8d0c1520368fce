"""Plugins in the administration: looked at, switched on in two taps, off in one, and taken away."""

from __future__ import annotations

import io
import zipfile

import pytest

from core import audit, settings
from core.plugins import deprecations, enabled, preflight, switching
from core.plugins.preflight import Report
from core.storage import execute
from core.web.admin.plugins import CAN
from tests.architecture.test_hooks import SPECS
from tests.conftest import browser_of
from tests.people import signed_in

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def owner(make_site):
    return signed_in(browser_of(make_site("posts", "paywall", "tipjar")), "owner")


@pytest.fixture
def trial(monkeypatch):
    """Answer for the child process, whose own tests start it; returns what it was asked."""
    asked = []

    def answer(report):
        def check(plugin, _home):
            asked.append(plugin)
            return report

        monkeypatch.setattr(preflight, "check", check)
        return asked

    return answer


def test_a_plugin_is_looked_at_and_switched_on(owner, trial):
    """Two taps: what it can stands before the button, and what is said is what was tried."""
    asked = trial(Report(hooks=("register_provider",), pages=3))
    before = owner.client.get("/admin/plugins/playmoney").text
    answer = owner.post("/admin/plugins/playmoney/on")
    after = owner.client.get(answer.location).text

    assert "takes payments" in before
    assert "Plugins run inside the site with its full rights" in before
    assert "<code>127.0.0.1</code>" in before
    assert asked == ["playmoney"]
    assert enabled.names("enabled") == ("posts", "paywall", "tipjar", "playmoney")
    assert answer.status_code == 303
    assert "Switch off" in after


@on_sqlite
def test_one_that_does_not_pass_stays_off_and_says_why(owner, trial):
    """One sentence, the traceback behind it, and nothing is changed."""
    trial(Report(problem="LookupError: no such <thing>", detail="Traceback of the child"))
    answer = owner.post("/admin/plugins/playmoney/on")

    assert answer.status_code == 422
    assert "It stays as it is: LookupError: no such &lt;thing&gt;" in answer.text
    assert "Traceback of the child" in answer.text
    assert "playmoney" not in enabled.names("enabled", "paused", "off")


@on_sqlite
def test_one_tap_switches_off_and_one_takes_that_back(owner, trial):
    """The list offers to undo it; a gate says before what its going opens."""
    asked = trial(Report())
    page = owner.client.get("/admin/plugins/paywall").text
    assert "What it alone closes is open to everybody" in page
    answer = owner.post("/admin/plugins/tipjar/off")
    listed = owner.client.get(answer.location).text
    assert (enabled.names("enabled"), "Undo" in listed) == (("posts", "paywall"), True)
    owner.post("/admin/plugins/tipjar/on")

    assert enabled.names("enabled") == ("posts", "paywall", "tipjar")
    assert len(asked) == 1


@on_sqlite
def test_a_paused_one_is_named_with_its_reason_and_can_be_tried_again(owner, trial):
    """The breaker's words, the traceback, and the two ways on."""
    trial(Report())
    enabled.pause(
        "tipjar", "It failed 5 times within a minute", "Traceback (most recent call last)"
    )
    listed = owner.client.get("/admin/plugins/").text
    page = owner.client.get("/admin/plugins/tipjar").text

    assert "It failed 5 times within a minute" in listed
    assert "What it stood before stays shut" in page
    assert "Traceback (most recent call last)" in page
    owner.post("/admin/plugins/tipjar/on")
    assert switching.plugin("tipjar").entry.state == "enabled"


@on_sqlite
def test_the_order_is_changed_one_step_at_a_time(owner):
    """The first is asked first; beyond the ends nothing moves."""
    owner.post("/admin/plugins/tipjar/move", to="earlier")
    assert enabled.names("enabled") == ("posts", "tipjar", "paywall")
    owner.post("/admin/plugins/posts/move", to="earlier")
    owner.post("/admin/plugins/posts/move", to="later")

    assert enabled.names("enabled") == ("tipjar", "posts", "paywall")
    assert owner.post("/admin/plugins/playmoney/move", to="later").status_code == 403


def test_what_is_deleted_needs_its_name(owner):
    """Off first; kept data stays; the name typed deletes tables and settings."""
    assert owner.post("/admin/plugins/posts/uninstall", data="keep").status_code == 409
    owner.post("/admin/plugins/posts/off")
    refused = owner.post("/admin/plugins/posts/uninstall", data="delete", name="post")
    assert (refused.status_code, "posts_post" in refused.text) == (422, True)
    owner.post("/admin/plugins/posts/uninstall", data="keep")
    assert execute("SELECT COUNT(*) FROM posts_post").fetchone()[0] == 0
    done = owner.post("/admin/plugins/posts/uninstall", data="delete", name="posts")

    assert done.status_code == 303
    assert switching.tables_of("posts") == {}
    assert switching.plugin("posts").state == "found"


def test_every_hook_has_its_words_for_an_owner():
    """What a plugin can do is told before it is switched on."""
    assert list(CAN) == list(SPECS)


@on_sqlite
def test_a_connection_is_checked_and_a_no_stays_until_the_next_look(make_site, monkeypatch):
    """A button on the plugin's page; what it found stands there and on Health, and is audited."""
    owner = signed_in(browser_of(make_site("posts", "playmoney")), "owner")
    before = owner.client.get("/admin/plugins/playmoney").text
    done = owner.post("/admin/plugins/playmoney/check")
    good = owner.client.get(done.location).text
    for name, text in {"bank_url": "http://127.0.0.1:9", "secret": "other"}.items():
        settings.save(f"playmoney.{name}", text, actor="test")
    owner.post("/admin/plugins/playmoney/check")
    bad = owner.client.get("/admin/plugins/playmoney").text
    health = owner.client.get("/admin/health/").text

    assert "Nobody has checked yet" in before
    assert (done.status_code, "The bank runs within this site." in good) == (303, True)
    assert "The bank did not answer: 127.0.0.1 cannot be reached" in bad
    assert "The connection of playmoney does not hold: The bank did not answer" in health
    assert 'href="/admin/plugins/playmoney"' in health
    assert [one.data["ok"] for one in audit.events(action="plugins.check")] == [False, True]
    assert owner.post("/admin/plugins/posts/check").status_code == 403


@on_sqlite
def test_what_a_plugin_keeps_is_downloaded(owner):
    """As a zip that no cache keeps."""
    answer = owner.post("/admin/plugins/posts/export")

    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="posts-')
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert "tables/posts_post.json" in zipfile.ZipFile(io.BytesIO(answer.data)).namelist()
    assert "Take along what it keeps" in owner.client.get("/admin/plugins/posts").text


@on_sqlite
def test_old_names_that_a_plugin_uses_are_said(owner, monkeypatch):
    """With the version in which they go, and what to use."""
    old = deprecations.Deprecated("guard", "1.2", "2.0", "use fence")
    assert "Old names" not in owner.client.get("/admin/plugins/paywall").text
    monkeypatch.setattr(deprecations, "DEPRECATED", (old,))
    page = owner.client.get("/admin/plugins/paywall").text

    assert "is old since 1.2 and goes with version 2.0 of the plugin interface" in page
    assert "Old names" not in owner.client.get("/admin/plugins/tipjar").text
