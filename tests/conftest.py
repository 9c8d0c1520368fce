"""Fixtures for all tests: both databases, sites, and no way out to the network."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient

from core import config as configuration
from core import mail, notices, outgoing, storage, tasks
from core import settings as site_settings
from core.app import create_app
from core.people import passwords
from core.plugins import caller, catalogue
from core.storage import Migrations, lock_migrations
from tests import postgres
from tests.people import Outbox, watched_mail

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
    mail.set_wake(None)
    outgoing.set_wake(None)


REAL_HASHES = {"test_entering.py", "test_passwords.py", "test_same_time.py"}
"""Files whose tests are about what a hash costs."""


@pytest.fixture(autouse=True)
def _cheap_hashes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash passwords with less work where a test is about something else."""
    monkeypatch.setattr(passwords, "_NOBODY", [])  # what another test hashed cost something else
    if request.path.name not in REAL_HASHES:
        cheap = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
        monkeypatch.setattr(passwords, "HASHER", cheap)


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


@contextmanager
def database_of_its_own(kind: str, template: Path, folder: Path) -> Iterator[str]:
    """Yield the URL of a database in which no other test left the tables of its plugins."""
    if kind == "sqlite":
        yield sqlite_url(template, folder)
        return
    with postgres.database() as url:
        yield url


KEK = bytes(range(32))
"""The key-encryption key of every test's site."""


@pytest.fixture
def keys_folder(tmp_path: Path) -> Path:
    """Return the folder of the test's site in which its keys are."""
    folder = tmp_path / "home" / "keys"
    folder.mkdir(mode=0o700, parents=True)
    configuration.make_kek(folder, KEK)
    return folder


@pytest.fixture
def db(database_url: str, keys_folder: Path) -> Iterator[str]:
    """Connect to a migrated, empty database with a vault; yields its URL."""
    storage.connect(database_url)
    storage.open_keys(keys_folder)
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
        if made:  # a site keeps the list that it began with
            storage.execute("DELETE FROM plugins_plugin")
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


@pytest.fixture
def outbox(monkeypatch: pytest.MonkeyPatch) -> Outbox:
    """Return what is sent to people while the test runs."""
    return watched_mail(monkeypatch)


class Browser(FlaskClient):
    """A client that takes each answer whole, so that what is to follow it is done."""

    def open(self, *arguments: Any, buffered: bool = True, **rest: Any) -> Any:
        """Send a request."""
        return super().open(*arguments, buffered=buffered, **rest)


def browser_of(app: Flask) -> FlaskClient:
    """Return a client that says where it comes from, as browsers do."""
    app.test_client_class = Browser
    client = app.test_client()
    client.environ_base["HTTP_ORIGIN"] = "http://localhost"
    client.environ_base["HTTP_SEC_FETCH_SITE"] = "same-origin"
    return client
