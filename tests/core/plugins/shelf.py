"""Plugins that tests write, in a folder of the test's own site."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core import config as configuration

MANIFEST = """
[plugin]
name = "{name}"
version = "1"
title.en = "{name}"
description.en = "Written by a test."
prefix = "/x/{name}"
"""
HEAD = "from __future__ import annotations\nfrom core import hookimpl\n"
PAGE = """
from flask import Blueprint
from core import callers

pages = Blueprint("{name}", __name__)


@pages.get("/x/{name}/")
@callers("anyone")
def show():
    {body}


@hookimpl
def register_blueprint():
    return pages
"""


def hook(name: str, body: str, head: str = "") -> str:
    """Return a plugin's code with one hook."""
    return f"{HEAD}{head}\n\n@hookimpl\ndef {name}():\n    {body}\n"


def page(name: str, body: str, head: str = "") -> str:
    """Return a plugin's code with one page."""
    return HEAD + head + PAGE.format(name=name, body=body)


def put(home: Path, name: str, code: str, manifest: str = "") -> Path:
    """Write a plugin into the folder `plugins` of a site."""
    folder = home / "plugins" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plugin.toml").write_text(MANIFEST.format(name=name) + manifest)
    (folder / "__init__.py").write_text(code)
    return folder


def make_home(folder: Path, kek: bytes, database: str) -> Path:
    """Make the folder of a site with the key of the tests' vault."""
    if not any((folder / "keys").glob("kek-*")):
        configuration.make_kek(folder / "keys", kek)
    configuration.initialise(folder)
    (folder / "obolo.toml").write_text(f'database = "{database}"\n')
    return folder


@contextmanager
def forgotten() -> Iterator[None]:
    """Forget afterwards the modules that were imported from a site's own folder."""
    before = set(sys.modules)
    try:
        yield
    finally:
        for name in [name for name in sys.modules if name.startswith("plugins.")]:
            if name not in before and "/home/plugins/" in str(sys.modules[name].__file__):
                del sys.modules[name]
