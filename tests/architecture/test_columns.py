"""Every column of the database has a class, and what is personal or secret is sealed."""

from __future__ import annotations

import pytest

from core import storage
from core.plugins import read_manifest
from core.storage import Migrations, lock_migrations
from core.storage.classes import core_classes, faults
from tests import postgres
from tests.architecture.tree import PLUGINS, ROOT


@pytest.fixture(params=["sqlite", "postgres"])
def migrated(request, tmp_path):
    """Connect to a database that has nothing but the tables of core and of bundled plugins."""
    if request.param == "sqlite":
        storage.connect(f"sqlite:///{tmp_path}/columns.db")
        migrate()
        yield
        storage.close()
        return
    with postgres.database() as url:
        storage.connect(url)
        migrate()
        yield


def migrate():
    with lock_migrations():
        for component, folder in (("core", ROOT / "core"), *((one.name, one) for one in PLUGINS)):
            Migrations(component, folder / "migrations").apply()


def test_every_column_has_a_class(migrated):
    """Core's stand in classes.toml, a plugin's in its manifest; none is left out or made up."""
    classes = core_classes()
    for path in PLUGINS:
        classes |= read_manifest(path).columns

    assert list(faults(classes)) == []
