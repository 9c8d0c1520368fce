"""Fixtures for all tests: both databases, sites, and no way out to the network."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core import storage
from core.storage import Migrations, lock_migrations
from tests import postgres

ROOT = Path(__file__).parents[1]
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


Maker = Callable[..., Any]
