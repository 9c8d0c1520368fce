"""An app is swapped for the next one while requests are under way, and nothing of it stays."""

from __future__ import annotations

import gc
import io
import os
import sqlite3
import threading
import time
import weakref
from types import SimpleNamespace

import peewee
import pytest
from werkzeug.test import Client
from werkzeug.wsgi import FileWrapper

from core import app as house
from core import settings, swapping, tasks
from core.config import load
from core.people import roles
from core.plugins import breaker, caller, catalogue, enabled, loaded, watching
from core.storage import execute
from core.swapping import Site
from core.themes.choosing import taken_off
from core.web import themes
from tests.conftest import KEK
from tests.core.plugins import shelf
from tests.core.themes.places import write_theme

sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
STREAM = """
    from core.plugins import loaded

    def parts():
        yield "first "
        yield " ".join(loaded().catalogue.manifests)

    return Response(parts())
"""
WORK = """
from core import Periodic


@hookimpl
def register_tasks():
    return [Periodic("own.sweep", 3600, lambda: None)]
"""


@pytest.fixture
def make(db, tmp_path):
    """Return what makes a site on which plugins of its own are on."""
    home = shelf.make_home(tmp_path / "home", KEK, db)
    reports = watching.failed

    def site(**plugins):
        for name, code in plugins.items():
            shelf.put(home, name, code)
            enabled.enable(name, actor="test")
        made = Site(load(home))
        made.home = home
        made._process = os.getpid()  # a test looks itself
        return made

    with shelf.forgotten():
        yield site
        caller.load([])
    tasks.configure(None, immediate=True)
    watching.failed = reports
    roles.declare({})


def get(site, address):
    return Client(site).get(address)


@sqlite_only
def test_the_next_list_is_served_and_the_old_app_is_gone(make):
    """Pages, work and permissions follow; what the old app was made of is collected."""
    permission = "\n[permissions]\ndraw = { label = { en = 'Draw' } }\n"
    code = shelf.page("own", "return 'open'") + WORK
    site = make(own=code)
    shelf.put(site.home, "own", code, permission)
    assert not site.refresh(), "nothing was changed"
    enabled.enable("own", actor="test")
    assert site.refresh()
    assert get(site, "/x/own/").text == "open"
    assert "own.sweep" in tasks._periods
    assert "own.draw" in roles.known()
    old = weakref.ref(site.app), weakref.ref(site.app.extensions["obolo_plugins"].manager)
    enabled.disable("own", actor="test")
    assert site.refresh()
    gc.collect()

    assert [one() for one in old] == [None, None]
    assert get(site, "/x/own/").status_code == 404
    assert "own.sweep" not in tasks._periods
    assert "own.draw" not in roles.known()


@sqlite_only
def test_an_answer_ends_with_the_plugins_that_it_began_with(make):
    """What is streamed after a swap still sees the old ones; the next request sees the new."""
    site = make(own=shelf.page("own", STREAM, "from flask import Response\n"), other=shelf.HEAD)
    answer = get(site, "/x/own/").iter_encoded()
    begun = next(answer)
    enabled.disable("other", actor="test")
    site.refresh()

    assert begun == b"first "
    assert b"".join(answer) == b"own other"
    assert list(catalogue.manifests) == ["own"]
    assert get(site, "/x/own/").text == "first own"


@sqlite_only
def test_a_file_is_left_to_the_server(make):
    """It sends it without reading it here."""
    site = make()
    file = FileWrapper(io.BytesIO(b"x"))
    site.app.wsgi_app = lambda *_: file

    assert site({"wsgi.file_wrapper": FileWrapper}, lambda *_: None) is file


@sqlite_only
def test_an_app_that_cannot_be_built_changes_nothing_and_is_tried_again(make, monkeypatch, caplog):
    """Not at once; nobody has to change the list once more for it."""
    site = make()
    before, build = site.app, house.build
    enabled.enable("own", actor="test")
    monkeypatch.setattr(house, "build", lambda config: 1 / 0)
    assert not site.refresh()
    monkeypatch.setattr(house, "build", build)
    assert not site.refresh(), "it waits a while"
    site._again_at = time.monotonic()

    assert site.app is before
    assert "cannot be built anew" in caplog.text
    assert site.refresh()
    assert site.app is not before
    assert not site.refresh()


def busy():
    cause = sqlite3.OperationalError("disk I/O error")
    cause.sqlite_errorcode = sqlite3.SQLITE_IOERR
    return peewee.OperationalError(cause)


@sqlite_only
@pytest.mark.parametrize("place", ["import", "register"])
def test_while_the_database_is_away_the_site_stays_as_it_was(make, monkeypatch, place):
    """No plugin is blamed for it, wherever it asked; the list is followed when it is back."""
    code = shelf.page("own", "return 'open'")
    asks = "import plugins\nif hasattr(plugins, 'away'):\n    raise plugins.away()\n"
    indented = asks.replace("\n", "\n    ")
    late = code.replace("return pages", indented + "return pages")
    site = make(own=code + asks if place == "import" else late)
    before = site.app
    enabled.enable("own", actor="test")
    if place == "import":  # changed code is imported anew
        shelf.put(site.home, "own", code + asks + "\n")
    import plugins

    monkeypatch.setattr(plugins, "away", busy, raising=False)
    with pytest.raises(peewee.OperationalError):
        site.refresh()
    site.catch_up()  # as a new process does; it serves without the database
    assert site.app is before
    monkeypatch.undo()

    assert site.refresh()
    assert get(site, "/x/own/").text == "open"
    assert catalogue.failed == {}


@sqlite_only
def test_a_plugin_that_is_paused_while_the_next_app_is_built_goes_with_the_one_after(
    make, monkeypatch
):
    """The number that was built for was read before the list."""
    site = make(own=shelf.page("own", "return 'open'"))
    build = house.build

    def slowly(config):
        app = build(config)
        monkeypatch.setattr(house, "build", build)
        enabled.pause("own", "it fails")
        return app

    monkeypatch.setattr(house, "build", slowly)
    enabled.enable("own", actor="test")
    assert site.refresh()
    assert get(site, "/x/own/").text == "open"

    assert site.refresh()
    assert get(site, "/x/own/").status_code == 404
    assert catalogue.failed == {"own": "it fails"}


@sqlite_only
def test_threads_follow_the_list_once_a_process_and_survive(make, monkeypatch):
    """They start with the first request; an error of theirs, of any kind, does not end them."""
    monkeypatch.setattr(swapping, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(swapping, "WATCH_SECONDS", 0.01)
    site = make(own=shelf.page("own", "return 'open'"))
    errors = [SystemExit(), busy(), RuntimeError()]
    store, looked = breaker.store, threading.Event()

    def storing():
        if errors:
            raise errors.pop()
        looked.set()
        return store()

    monkeypatch.setattr(breaker, "store", storing)
    site._process = 0
    for _ in range(3):
        assert get(site, "/x/own/").text == "open"
    names = [one.name for one in threading.enumerate() if one.name.startswith("plugins.")]
    assert sorted(names) == ["plugins.look", "plugins.watch"]
    enabled.disable("own", actor="test")
    assert looked.wait(10)
    try:
        until(lambda: get(site, "/x/own/").status_code == 404)
    finally:  # as in the child of a fork, where they do not live on
        monkeypatch.setattr(swapping, "os", SimpleNamespace(getpid=lambda: 0))
        until(lambda: not any(t.name.startswith("plugins.") for t in threading.enumerate()))


def until(true):
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_watch_that_was_stopped_forgives_what_it_watches(monkeypatch):
    """The machine slept for an hour: no hook worked in that time."""
    times = iter([0.0, 0.25, 3_600.0, 3_600.25])
    looks, pids = [], iter([1, 1, 1, 1, 2])
    monkeypatch.setattr(
        swapping, "time", SimpleNamespace(perf_counter=lambda: next(times), sleep=lambda _: None)
    )
    monkeypatch.setattr(swapping, "os", SimpleNamespace(getpid=lambda: next(pids)))
    swapping._watch(looks.append)

    assert looks == [0.0, 3_600.0, 3_600.0]


@sqlite_only
def test_nothing_outside_of_a_request_answers_with_an_apps_plugins(make):
    """A thread that served is left without them, whatever became of the request."""
    site = make(own=shelf.page("own", "1 / 0"))
    live = loaded()

    assert get(site, "/x/own/").status_code == 500
    assert loaded() is live
    assert execute("SELECT COUNT(*) FROM plugins_plugin").fetchone()[0] == 1


@sqlite_only
def test_a_theme_that_hung_is_taken_off_by_the_next_look(make, tmp_path, monkeypatch):
    """Whoever looks next reads the word that the process left; the site wears the plain one."""
    site = make()
    write_theme(site.home / "themes", "slow", **{"templates/error.html": "x"})
    site = make()
    with site.app.app_context():
        themes.wear("slow", "test")
    before = watching.begin("theme:slow", "render", time.perf_counter() - 9)
    breaker.end_if_hung(lambda: None)
    watching.end("theme:slow", "render", 0.0, before, failed=False)
    site.look()

    assert settings.value("site.theme") == "quaderno"
    assert taken_off() == "slow"
