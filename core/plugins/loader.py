"""Find plugins by their folders, and load the enabled ones in the owner's order."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    SourceFileLoader,
)
from importlib.metadata import entry_points
from pathlib import Path
from types import CodeType, ModuleType, SimpleNamespace
from weakref import WeakKeyDictionary

from core.errors import OboloError, Unavailable, in_words
from core.hookspecs import hookimpl
from core.ledger import declare_bounds
from core.plugins import caller, watching
from core.plugins.loaded import Loaded, go_live
from core.plugins.manifest import Manifest, read_manifest, unmet
from core.settings import declare
from core.storage import Migrations, classes, database, is_shared, lock_migrations

log = logging.getLogger("obolo.plugins")
BUNDLED = Path(__file__).parents[2] / "plugins"
ENTRY_POINTS = "obolo.plugins"
SHUT = frozenset({"guard", "require", "add_lines", "ask", "review", "reserve"})
"""What a plugin that is on and does not work still stands before: access, and orders."""


class NotLoaded(OboloError):
    """A plugin is on and cannot work; none of its code was run."""


@dataclass(frozen=True, slots=True)
class Found:
    """A plugin's folder and manifest; `package` where it was installed as one."""

    folder: Path
    manifest: Manifest
    package: str = ""

    @property
    def name(self) -> str:
        """The plugin's name."""
        return self.manifest.name

    @property
    def is_bundled(self) -> bool:
        """Whether it comes with Obolo."""
        return self.folder.parent == BUNDLED

    @property
    def module(self) -> str:
        """The name that its module is imported by."""
        return self.package or f"plugins.{self.name}"


def find_plugins(folders: Sequence[Path]) -> tuple[dict[str, Found], dict[str, str]]:
    """Return the plugins in these folders by name, and what cannot be used with the reason.

    The bundled ones come first, then the folders, then installed packages with an entry point
    `obolo.plugins`; a later one cannot take an earlier one's name. None of their code runs.
    """
    found: dict[str, Found] = {}
    broken: dict[str, str] = {}
    places = [
        (path.parent.name, path.parent, "")
        for place in (BUNDLED, *folders)
        for path in sorted(place.glob("*/plugin.toml"))
    ]
    for name, folder, package in (*places, *_installed()):
        if name in found or name in broken:
            continue
        try:
            found[name] = Found(folder, read_manifest(folder, name), package)
        except OboloError as error:
            broken[name] = str(error)
    return found, broken


def _installed() -> tuple[tuple[str, Path, str], ...]:
    """Return name, folder and package of what is installed; asked again once a folder changes."""
    return _installed_in(tuple((place, _changed(place)) for place in sys.path))


def _changed(place: str) -> int:
    try:
        return Path(place).stat().st_mtime_ns
    except OSError:
        return 0


@lru_cache(maxsize=4)
def _installed_in(_places: tuple[tuple[str, int], ...]) -> tuple[tuple[str, Path, str], ...]:
    found = []
    for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda one: one.name):
        spec = importlib.util.find_spec(point.value) if "." not in point.value else None
        if spec is not None and spec.origin:
            found.append((point.name, Path(spec.origin).parent, point.value))
    return tuple(found)


def hooks_of(folder: Path) -> frozenset[str]:
    """Return the hooks that a plugin answers, read from its code without running it."""
    try:
        tree = ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))
    except (OSError, ValueError, SyntaxError):
        return frozenset()
    return frozenset(
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and any("hookimpl" in ast.unparse(mark) for mark in node.decorator_list)
    )


def stands_before(folder: Path | None) -> frozenset[str]:
    """Return what a plugin that does not work may have stood before, read from all of its code.

    Whatever is named there counts, so that a hook that was imported is found. Of code that cannot
    be read, or is gone, everything is feared: no gate opens because its file is broken.
    """
    try:
        paths = sorted(folder.rglob("*.py")) if folder else []
        trees = [ast.parse(path.read_bytes()) for path in paths]
    except (OSError, ValueError, SyntaxError):
        return SHUT
    if not trees:
        return SHUT
    return SHUT.intersection(word for tree in trees for word in _named(tree))


def _named(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.Name(id=name) | ast.Attribute(attr=name):
                yield name
            case ast.alias(name=name, asname=asname):
                yield asname or name
            case ast.Constant(value=str() as name):
                yield name


def load(names: Sequence[str], folders: Sequence[Path] = ()) -> dict[str, Found]:
    """Load these plugins and let them answer from now on; return what was loaded."""
    plugins, taken = assemble(names, folders)
    go_live(plugins)
    return taken


def assemble(
    names: Sequence[str], folders: Sequence[Path] = (), *, broken: Mapping[str, str] | None = None
) -> tuple[Loaded, dict[str, Found]]:
    """Load these plugins, the first to be asked first, for an app that is not live yet.

    One that is missing, `broken` (with the reason), or lacks another one does not work; the
    catalogue's `failed` says why. What it stood before stays shut: no gate opens by a failure.
    When the database does not answer, its error is raised, and nothing changes.
    """
    plugins = Loaded()
    failed = plugins.catalogue.failed
    found, unusable = find_plugins(folders)
    unusable |= broken or {}
    for plugin in found.values():  # one that is off has tables and settings too
        classes.declare(plugin.manifest.columns)
    taken: dict[str, Found] = {}
    modules: list[tuple[str, ModuleType]] = []
    for name in dict.fromkeys(names):
        try:
            modules.append((name, _load_one(name, found, unusable, taken)))
            taken[name] = found[name]
        except NotLoaded as error:
            log.error("plugin %s stays off: %s", name, error)  # noqa: TRY400 - nothing of it ran
            failed[name] = str(error)
        except BaseException as error:
            if is_shared(error) or watching.is_interrupt(error):
                raise
            log.exception("plugin %s stays off", name)
            failed[name] = in_words(error)
    for name, reason in caller.take(plugins, modules).items():
        log.error("plugin %s stays off: %s", name, reason)
        failed[name] = str(reason)
        taken.pop(name)
    _drop_dependents(plugins, taken)
    plugins.catalogue.manifests.update({name: one.manifest for name, one in taken.items()})
    for name in failed:
        shut(plugins, name, stands_before(found[name].folder if name in found else None))
    up_to_date = _migrated.setdefault(database.obj, set())
    up_to_date.difference_update({key for key in up_to_date if key[0] not in taken})
    declare_bounds({
        prefix: bound
        for plugin in taken.values()
        for prefix, bound in plugin.manifest.declared_bounds.items()
    })  # fmt: skip
    return plugins, taken


def shut(plugins: Loaded, name: str, hooks: Iterable[str]) -> None:
    """Let whatever a plugin stood before stay shut, though its code does not run."""
    stubs = {hook: hookimpl(_unavailable(name)) for hook in SHUT.intersection(hooks)}
    if stubs:
        plugins.add(name, SimpleNamespace(**stubs))


def _unavailable(name: str) -> Callable[[], None]:
    def refuse() -> None:
        raise Unavailable("The plugin {name} is paused.", name=name)

    return refuse


def _drop_dependents(plugins: Loaded, taken: dict[str, Found]) -> None:
    """Switch off what needs a plugin that stays off, through any number of plugins."""
    for name, plugin in list(taken.items()):
        if missing := unmet(plugin.manifest, _versions(taken)):
            plugins.catalogue.failed[name] = f"it needs {', '.join(missing)}, which is off"
            plugins.drop(name)
            taken.pop(name)


def _versions(taken: dict[str, Found]) -> dict[str, str]:
    return {name: one.manifest.plugin.version for name, one in taken.items()}


def _load_one(
    name: str, found: dict[str, Found], unusable: dict[str, str], taken: dict[str, Found]
) -> ModuleType:
    if name in unusable:
        raise NotLoaded(unusable[name])
    if name not in found:
        raise NotLoaded("there is no folder of this name with a plugin.toml")
    plugin = found[name]
    if missing := unmet(plugin.manifest, _versions(taken)):
        raise NotLoaded(f"it needs {', '.join(missing)}, which must stand before it")
    if strange := _foreign_templates(plugin):
        raise NotLoaded(f"its template {strange} must lie in templates/{name}/")
    declare(plugin.manifest.declared_settings)
    module = _import(plugin)
    _migrate(plugin)
    return module


def _foreign_templates(plugin: Found) -> str:
    """Return a template that would take the place of core's or another plugin's, or nothing."""
    folder = plugin.folder / "templates"
    names = sorted(path.name for path in folder.glob("*")) if folder.is_dir() else []
    return next((name for name in names if name != plugin.name), "")


_migrated: WeakKeyDictionary[object, set[tuple[str, tuple[str, ...]]]] = WeakKeyDictionary()
"""What this process has found up to date in a database: a swap does not ask about it again."""


def _migrate(plugin: Found) -> None:
    folder = plugin.folder / "migrations"
    key = (plugin.name, tuple(sorted(path.name for path in folder.glob("*.py"))))
    up_to_date = _migrated.setdefault(database.obj, set())
    if key not in up_to_date:
        with lock_migrations():
            Migrations(plugin.name, folder).apply()
        up_to_date.add(key)


_stamps: dict[str, tuple[ModuleType, frozenset[tuple[str, int, int]]]] = {}
"""What the site's own plugins were imported from: each file with its time and size."""


def _import(plugin: Found) -> ModuleType:
    """Import a bundled plugin as `plugins.<name>`, and one of the site's own likewise.

    One of the site's own whose files were changed since is imported anew; the app that serves
    keeps what it has.
    """
    if plugin.is_bundled or plugin.package:
        return importlib.import_module(plugin.module)
    stamp = frozenset(
        (str(path), path.stat().st_mtime_ns, path.stat().st_size)
        for path in plugin.folder.rglob("*.py")
    )
    known = sys.modules.get(plugin.module)
    if known is not None and _stamps.get(plugin.module) == (known, stamp):
        return known
    for name in [name for name in sys.modules if name.startswith(f"{plugin.module}.")]:
        del sys.modules[name]
    importlib.invalidate_caches()
    _find_sources(plugin.folder)
    module = _imported(plugin)
    _stamps[plugin.module] = (module, stamp)
    return module


class _Source(SourceFileLoader):
    """Reads code without bytecode, which Python takes for that of a file changed within a second.

    It looks at seconds and size only (PEP 3147).
    """

    def get_code(self, fullname: str) -> CodeType:
        """Compile the file as it is now."""
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def _find_sources(folder: Path) -> None:
    """Let the modules in a folder, and in those below it, be read from their sources."""
    kinds = ((ExtensionFileLoader, EXTENSION_SUFFIXES), (_Source, SOURCE_SUFFIXES))
    for place in {folder, *(path.parent for path in folder.rglob("*.py"))}:
        sys.path_importer_cache[str(place)] = FileFinder(str(place), *kinds)


def _imported(plugin: Found) -> ModuleType:
    path = plugin.folder / "__init__.py"
    spec = importlib.util.spec_from_file_location(
        plugin.module,
        path,
        loader=_Source(plugin.module, str(path)),
        submodule_search_locations=[str(plugin.folder)],
    )
    if spec is None or spec.loader is None:
        raise OboloError("its __init__.py cannot be read")
    module = importlib.util.module_from_spec(spec)
    sys.modules[plugin.module] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(plugin.module, None)
        raise
    return module
