"""Fixtures for all tests: both databases, sites, and no way out to the network."""

from __future__ import annotations

import gc
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from _pytest.nodeid import NodeId
from peewee import Psycopg3Adapter

from core.people import passwords
from core.testing import KEK, browser_of, sqlite_url
from tests import postgres
from tests.people import Outbox, watched_mail

__all__ = ["KEK", "browser_of"]
ROOT = Path(__file__).parents[1]
LONG = frozenset({"paths", "proofs", "bench", "architecture"})
"""Folders whose tests come first, so that no process waits at the end for another's long one."""
hypothesis.settings.register_profile("obolo", deadline=None)
hypothesis.settings.load_profile("obolo")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let one process run the tests that share what is made once, such as a site.

    They are those of a group, and else those of a file that makes something once; those of the
    architecture read all of the tree, once. pytest-xdist 3.8 names the group by an attribute that
    pytest 9.2 no longer reads, so it is named here.
    """
    if not getattr(config.option, "loadgroup", False):
        return
    items.sort(key=lambda item: not LONG.intersection(item.path.relative_to(ROOT).parts))
    for item in items:
        known: dict[str, Any] = getattr(item, "_fixtureinfo").name2fixturedefs  # noqa: B009
        shares = any(one.scope == "module" for found in known.values() for one in found)
        mark = item.get_closest_marker("xdist_group")
        own = "architecture" if item.path.parent.name == "architecture" else ""
        if group := mark.args[0] if mark else item.path.name if shares else own:
            object.__setattr__(item, "_id", NodeId.parse(f"{item.nodeid}@{group}"))


def pytest_collection_finish() -> None:
    """Let the collector pass over what stays, and look less often: it took a fifth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)


@pytest.fixture(autouse=True)
def _guarded(no_network: None, plain_environment: None, no_site_remains: None) -> None:
    """Let no test reach out, read the shell's settings, or wake another test's site."""


REAL_HASHES = {"test_entering.py", "test_passwords.py", "test_same_time.py"}
"""Files whose tests are about what a hash costs."""


@pytest.fixture(autouse=True)
def _cheap_unless_real(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash passwords with less work where a test is about something else."""
    if request.path.name in REAL_HASHES:
        monkeypatch.setattr(passwords, "_NOBODY", [])
    else:
        request.getfixturevalue("cheap_hashes")


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, template: Path, tmp_path: Path) -> Iterator[str]:
    """Give a test a migrated, empty database of each kind in turn."""
    if request.param == "sqlite":
        yield sqlite_url(template, tmp_path)
        return
    url = postgres.emptied()
    request.getfixturevalue("monkeypatch").setattr(Psycopg3Adapter, "connect", postgres.kept)
    yield url


@contextmanager
def database_of_its_own(kind: str, template: Path, folder: Path) -> Iterator[str]:
    """Yield the URL of a database in which no other test left the tables of its plugins."""
    if kind == "sqlite":
        yield sqlite_url(template, folder)
        return
    with postgres.database() as url:
        yield url


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """Return a folder with a path short enough for a Unix socket."""
    folder = Path(tempfile.mkdtemp(prefix="obl"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def outbox(monkeypatch: pytest.MonkeyPatch) -> Outbox:
    """Return what is sent to people while the test runs."""
    return watched_mail(monkeypatch)
