"""The command line on a site of its own, in this process."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from core import config as configuration
from core.cli import commands
from core.plugins import caller, catalogue


@pytest.fixture
def home(db, tmp_path, monkeypatch):
    """Return the folder of a fresh site on the test's database, with play money."""
    folder = tmp_path / "instance"
    configuration.initialise(folder)
    monkeypatch.setenv("OBOLO_HOME", str(folder))
    monkeypatch.setenv("OBOLO_DATABASE", db)
    monkeypatch.setenv("OBOLO_PLUGINS", "playmoney")
    yield folder
    caller.load([])
    catalogue.clear()


@pytest.fixture
def obolo(home):
    """Return what runs a command and answers its exit code, output and error."""

    def run(*words):
        done = CliRunner().invoke(commands, list(words))
        return SimpleNamespace(code=done.exit_code, text=done.output, error=done.exception)

    return run
