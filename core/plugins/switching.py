"""Switch plugins on and off, and take them away, as the owner asks at the page or at a command.

Before anything is switched on, a child process tries it (`preflight`). A refusal changes nothing.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.errors import Conflict, NotFound
from core.plugins import enabled, preflight
from core.plugins.breaker import Failure, failures
from core.plugins.declarations import plugin_folders, site_home
from core.plugins.enabled import Entry
from core.plugins.loaded import catalogue
from core.plugins.loader import Found, find_plugins, hooks_of
from core.plugins.manifest import needs
from core.plugins.preflight import NotReady, Report
from core.storage import classes, execute, is_postgres, transaction


@dataclass(frozen=True, slots=True)
class Plugin:
    """One plugin as the owner sees it. `state`: found, enabled, paused or incompatible.

    `reason` is why it is paused or incompatible, in one sentence; `detail` the traceback behind it.
    """

    name: str
    state: str
    reason: str = ""
    detail: str = ""
    found: Found | None = None
    entry: Entry | None = None

    @property
    def hooks(self) -> frozenset[str]:
        """The hooks that it answers."""
        return hooks_of(self.found.folder) if self.found else frozenset()

    @property
    def failures(self) -> list[Failure]:
        """What went wrong in it during the last week."""
        return failures(self.name)


def listed() -> list[Plugin]:
    """Return all plugins: those that are on in their order, then the others by name."""
    found, broken = find_plugins(plugin_folders())
    known = {one.name: one for one in enabled.entries()}
    on = [name for name, one in known.items() if one.state != "off"]
    names = [*on, *sorted((found.keys() | broken.keys() | known.keys()) - set(on))]
    return [_plugin(name, found.get(name), broken.get(name, ""), known.get(name)) for name in names]


def _plugin(name: str, found: Found | None, broken: str, entry: Entry | None) -> Plugin:
    if entry is None or entry.state == "off":
        if broken or found is None:
            return Plugin(name, "incompatible", broken or "its folder is gone", "", found, entry)
        return Plugin(name, "found", "", "", found, entry)
    if entry.state == "paused":
        return Plugin(name, "paused", entry.reason, entry.detail, found, entry)
    failed = catalogue.failed.get(name) or broken or ("" if found else "its folder is gone")
    return Plugin(name, "paused" if failed else "enabled", failed, "", found, entry)


def plugin(name: str) -> Plugin:
    """Return one of them. Raises NotFound."""
    for one in listed():
        if one.name == name:
            return one
    raise NotFound("There is no plugin {name}.", name=name)


def switch_on(name: str, *, actor: str) -> Report:
    """Try a plugin, and switch it on if it passes; return what the trial found.

    Raises NotFound, and NotReady, whose report says why; then nothing was changed.
    """
    wanted = plugin(name)
    if wanted.state == "incompatible":
        raise NotReady(name, Report(problem=wanted.reason))
    report = preflight.check(name, site_home())
    if report.problem:
        raise NotReady(name, report)
    enabled.enable(name, actor=actor)
    return report


def switch_off(name: str, *, actor: str) -> None:
    """Switch a plugin off at once. Raises NotFound, and Conflict where another one needs it."""
    one = plugin(name)
    if one.entry is None or one.entry.state == "off":
        raise Conflict("{name} is off already.", name=name)
    if needing := dependents(name):
        raise Conflict(
            "{others} needs {name}. Switch that off first.", others=", ".join(needing), name=name
        )
    enabled.disable(name, actor=actor)


def dependents(name: str) -> list[str]:
    """Return the plugins that are on and need this one."""
    return [
        one.name
        for one in listed()
        if one.found and one.state in ("enabled", "paused") and name in needs(one.found.manifest)
    ]


def tables_of(name: str) -> Mapping[str, int]:
    """Return a plugin's tables with the number of their rows."""
    return {
        table: int(execute(f'SELECT COUNT(*) FROM "{table}"').fetchone()[0])
        for table in sorted(classes.table_names())
        if table.startswith(f"{name}_") and table not in classes.core_classes()
    }


def uninstall(name: str, *, delete: bool, actor: str) -> list[str]:
    """Take a plugin that is off from the list; return what of it is still there.

    With `delete` its tables, settings and files go, and with them the folder of one that is the
    site's own. Raises NotFound, and Conflict while it is on.
    """
    one = plugin(name)
    if one.state in ("enabled", "paused"):
        raise Conflict("{name} is on. Switch it off first.", name=name)
    with transaction():
        stays = list(tables_of(name))
        if delete:
            if not is_postgres():
                execute("PRAGMA defer_foreign_keys = ON")  # the tables refer to each other
            for table in (*stays, f"{name}_migrations"):
                execute(f'DROP TABLE IF EXISTS "{table}"{" CASCADE" if is_postgres() else ""}')
            execute("DELETE FROM settings_value WHERE name LIKE ?", [f"{name}.%"])
            stays = []
        enabled.forget(name, actor=actor, data="deleted" if delete else "kept")
    if delete:
        shutil.rmtree(site_home() / "data" / name, ignore_errors=True)
        if one.found is not None and _is_own(one.found.folder):
            shutil.rmtree(one.found.folder)
    return stays


def _is_own(folder: Path) -> bool:
    return folder.parent in plugin_folders()
