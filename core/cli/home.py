"""What commands open that need the site's database and keys, but not its pages."""

from __future__ import annotations

from pathlib import Path

from core import app as site
from core import config as configuration
from core import storage
from core.plugins import find_plugins
from core.storage import classes


def open_vault() -> None:
    """Connect, migrate and open the keys; plugins that are off have sealed columns too."""
    config = configuration.load()
    storage.connect(config.database)
    site.migrate()
    storage.open_keys(config.keys)
    found, _ = find_plugins([Path(folder) for folder in config.plugin_folders])
    for plugin in found.values():
        classes.declare(plugin.manifest.columns)
