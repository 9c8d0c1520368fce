"""Fixtures for all tests: both databases, sites, and no way out to the network."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from flask import Flask
from flask.testing import FlaskClient

from core import config as configuration
from core import notices, storage, tasks
from core import settings as site_settings
from core.app import create_app
from core.plugins import caller, catalogue
from core.storage import Migrations, lock_migrations
from tests import postgres

ROOT = Path(__file__).parents[1]
hypothesis.settings.register_profile("obolo", deadline=None)
hypothesis.settings.load_profile("obolo")
REACHABLE = ("127.0.0.1", "::1", "localhost")


@pytest.fixture(autouse=True, scope="session")
def _no_network() -> Iterator[None]:
    """Let no test reach beyond this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and address[0] not in REACHABLE:
            message = f"a test tried to reach {address}"
            raise AssertionError(message)
        connect(self, address)

    socket.socket.connect = guarded  # type: ignore[method-assign,assignment]
    yield
    socket.socket.connect = connect  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what the shell sets for Obolo out of the tests."""
    for name in [name for name in os.environ if name.startswith("OBOLO_")]:
        if name not in ("OBOLO_CHROMIUM", "OBOLO_REQUIRE_BROWSER"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _nobody_is_woken() -> Iterator[None]:
    """Leave no site of another test to be woken by a notice."""
    yield
    notices.wake = notices._stay


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an SQLite database that core's migrations made once."""
    path = tmp_path_factory.mktemp("template") / "obolo.db"
    storage.connect(f"sqlite:///{path}")
    with lock_migrations():
        Migrations("core", ROOT / "core" / "migrations").apply()
    storage.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    storage.close()
    return path


def sqlite_url(template: Path, folder: Path) -> str:
    """Copy the template into a folder and return its URL."""
    shutil.copyfile(template, folder / "obolo.db")
    return f"sqlite:///{folder}/obolo.db"


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, template: Path, tmp_path: Path) -> Iterator[str]:
    """Give a test a migrated, empty database of each kind in turn."""
    if request.param == "sqlite":
        yield sqlite_url(template, tmp_path)
        return
    yield postgres.emptied()


@pytest.fixture
def db(database_url: str) -> Iterator[str]:
    """Connect to a migrated, empty database; yields its URL."""
    storage.connect(database_url)
    yield database_url
    storage.close()


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """Return a folder with a path short enough for a Unix socket."""
    folder = Path(tempfile.mkdtemp(prefix="obl"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def make_site(db: str, tmp_path: Path) -> Iterator[Callable[..., Flask]]:
    """Return what builds a site on the test's database, for a list of plugins and settings."""
    made: list[Flask] = []

    def make(*plugins: str, settings: Mapping[str, Any] | None = None, **config: Any) -> Flask:
        home = tmp_path / "home"
        configuration.initialise(home)
        chosen = replace(configuration.load(home), database=db, plugins=plugins, **config)
        app = create_app(chosen, immediate=True)
        assert not catalogue.failed, catalogue.failed
        for name, value in (settings or {}).items():
            site_settings.save(name, value, actor="test")
        made.append(app)
        return app

    yield make
    tasks.configure(None, immediate=True)
    caller.load([])
    catalogue.clear()


def browser_of(app: Flask) -> FlaskClient:
    """Return a client that says where it comes from, as browsers do."""
    client = app.test_client()
    client.environ_base["HTTP_ORIGIN"] = "http://localhost"
    client.environ_base["HTTP_SEC_FETCH_SITE"] = "same-origin"
    return client
