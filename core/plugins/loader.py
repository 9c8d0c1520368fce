"""Find plugins by their folders, and load the enabled ones in the owner's order."""

from __future__ import annotations

import importlib
import importlib.util
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from core.errors import OboloError
from core.ledger import declare_bounds
from core.plugins import caller
from core.plugins.declarations import catalogue
from core.plugins.manifest import Manifest, read_manifest
from core.settings import declare
from core.storage import Migrations, classes, lock_migrations

log = logging.getLogger("obolo.plugins")
BUNDLED = Path(__file__).parents[2] / "plugins"


@dataclass(frozen=True, slots=True)
class Found:
    """A plugin's folder and manifest."""

    folder: Path
    manifest: Manifest

    @property
    def name(self) -> str:
        """The plugin's name."""
        return self.manifest.name


def find_plugins(folders: Sequence[Path]) -> tuple[dict[str, Found], dict[str, str]]:
    """Return the plugins in these folders by name, and what cannot be used with the reason.

    The bundled ones come first; another folder cannot take their names.
    """
    found: dict[str, Found] = {}
    broken: dict[str, str] = {}
    for place in (BUNDLED, *folders):
        for path in sorted(place.glob("*/plugin.toml")):
            name = path.parent.name
            if name in found or name in broken:
                continue
            try:
                found[name] = Found(path.parent, read_manifest(path.parent))
            except OboloError as error:
                broken[name] = str(error)
    return found, broken


def load(names: Sequence[str], folders: Sequence[Path] = ()) -> dict[str, Found]:
    """Load these plugins, the first to be asked first; return what was loaded.

    A plugin that is missing, broken, or lacks another one stays off; `catalogue.failed` says why.
    """
    catalogue.clear()
    found, broken = find_plugins(folders)
    for plugin in found.values():  # one that is off has tables too
        classes.declare(plugin.manifest.columns)
    loaded: dict[str, Found] = {}
    modules: list[tuple[str, ModuleType]] = []
    for name in dict.fromkeys(names):
        try:
            modules.append((name, _load_one(name, found, broken, loaded)))
            loaded[name] = found[name]
        except Exception as error:
            log.exception("plugin %s stays off", name)
            catalogue.failed[name] = f"{type(error).__name__}: {error}"
    for name, reason in caller.load(modules).items():
        log.error("plugin %s stays off: %s", name, reason)
        catalogue.failed[name] = str(reason)
        loaded.pop(name)
    _drop_dependents(loaded)
    catalogue.manifests.update({name: plugin.manifest for name, plugin in loaded.items()})
    declare_bounds(
        {
            prefix: bound
            for plugin in loaded.values()
            for prefix, bound in plugin.manifest.declared_bounds.items()
        }
    )
    return loaded


def _drop_dependents(loaded: dict[str, Found]) -> None:
    """Switch off what needs a plugin that stays off, through any number of plugins."""
    for name, plugin in list(loaded.items()):
        missing = [needed for needed in plugin.manifest.plugin.depends if needed not in loaded]
        if missing:
            catalogue.failed[name] = f"it needs {', '.join(missing)}, which is off"
            caller.drop(name)
            loaded.pop(name)


def _load_one(
    name: str, found: dict[str, Found], broken: dict[str, str], loaded: dict[str, Found]
) -> ModuleType:
    if name in broken:
        raise OboloError(broken[name])
    if name not in found:
        raise OboloError("there is no folder of this name with a plugin.toml")
    plugin = found[name]
    missing = [needed for needed in plugin.manifest.plugin.depends if needed not in loaded]
    if missing:
        raise OboloError(f"it needs {', '.join(missing)}, which must stand before it")
    declare(plugin.manifest.declared_settings)
    module = _import(plugin)
    with lock_migrations():
        Migrations(name, plugin.folder / "migrations").apply()
    return module


def _import(plugin: Found) -> ModuleType:
    """Import a bundled plugin as `plugins.<name>`, and one of the site's own likewise."""
    module_name = f"plugins.{plugin.name}"
    if plugin.folder.parent == BUNDLED:
        return importlib.import_module(module_name)
    path = plugin.folder / "__init__.py"
    spec = importlib.util.spec_from_file_location(
        module_name, path, submodule_search_locations=[str(plugin.folder)]
    )
    if spec is None or spec.loader is None:
        raise OboloError("its __init__.py cannot be read")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[module_name]
        raise
    return module


def drop(plugin: str, providers: list[str], embeds: list[str], error: Exception) -> None:
    """Switch off a plugin that failed while the app was built."""
    log.error("plugin %s stays off: %s", plugin, error)
    caller.drop(plugin)
    catalogue.forget(plugin, providers, embeds, error)
