"""The child that tries a list of plugins: `python -m core.preflight`, with a request on its input.

It builds the site on a copy of the database and in a folder of its own, asks for the plugin's
pages, and looks whether the plugin touched what is not its own. Nothing is sent to anybody.
"""

from __future__ import annotations

import ast
import builtins
import hashlib
import hmac
import os
import resource
import secrets
import socket
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FunctionType
from typing import Any

import msgspec
from flask import Flask
from werkzeug.routing import Rule

from core import app as house
from core import config as configuration
from core import storage, tasks
from core.config import Config
from core.plugins import breaker, catalogue, enabled, find_plugins, hooks_of, serving
from core.plugins.preflight import LONGEST_DETAIL, Report
from core.storage import copies, execute

MEMORY, FILES, PROCESSES = 3 * 1024**3, 1_024, 256
ROWS = 10_000
"""Rows of each table of a plugin that are copied on PostgreSQL."""
GUARDED = (builtins, hmac, hashlib, secrets, socket, os)
"""Modules of Python whose functions a plugin may not replace."""
COUNTED = (
    "ledger_entry", "ledger_leg", "orders_order", "payments_payment", "entitlements_entitlement",
    "people_user", "people_session", "settings_value", "audit_event", "keys_key",
)  # fmt: skip
"""Tables in which looking at pages leaves no row."""
WAITING = ("mail_message", "notices_notice", "tasks_slot")
"""What waits to be sent is not sent from a copy."""


class Asked(msgspec.Struct, frozen=True):
    """The request: the plugin to look at, the whole list, and a folder to work in."""

    plugin: str
    names: tuple[str, ...]
    folder: str


class Problem(Exception):
    """What is wrong with the plugin, in one sentence."""


def main() -> None:
    """Try what was asked for, and leave a report."""
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Asked)
    for limit, wanted in (
        (resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_NOFILE, FILES),
        (resource.RLIMIT_CORE, 0), (resource.RLIMIT_NPROC, PROCESSES),
    ):  # fmt: skip
        hard = resource.getrlimit(limit)[1]
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(limit, (most, most))
    try:
        report = tried(asked)
    except Problem as problem:
        cause = problem.__cause__
        detail = "".join(traceback.format_exception(cause)) if cause else ""
        report = Report(problem=str(problem), detail=detail[-LONGEST_DETAIL:])
    except BaseException as error:  # noqa: BLE001 - a stranger's code may raise anything
        detail = traceback.format_exc()[-LONGEST_DETAIL:]
        report = Report(problem=f"{type(error).__name__}: {error}", detail=detail)
    place = Path(asked.folder) / "report.json"
    place.with_suffix(".part").write_bytes(msgspec.json.encode(report))
    place.with_suffix(".part").rename(place)
    os._exit(0)  # threads that a plugin started are not waited for


def tried(asked: Asked) -> Report:
    """Build the site with these plugins and look at one of them. Raises Problem."""
    config = configuration.load()
    own = replace(
        config, home=Path(asked.folder), key_folder=str(config.keys), mail="console:", plugins=(),
        safe_mode=False,
    )  # fmt: skip
    with copied(config, own, asked.names) as copy:
        house.prepare(copy, immediate=True)
        tasks.configure(None)  # nothing is done behind these pages
        execute("DELETE FROM plugins_plugin")
        enabled.begin_with(asked.names)
        return _look(asked, copy)


def _look(asked: Asked, config: Config) -> Report:
    found, unusable = find_plugins([Path(folder) for folder in config.plugin_folders])
    if asked.plugin not in found:
        raise Problem(unusable.get(asked.plugin, "there is no such plugin"))
    if not found[asked.plugin].is_bundled and (
        strange := foreign_imports(found[asked.plugin].folder)
    ):
        raise Problem(
            f"it imports {strange}, which is not for plugins; write “from core import ...”"
        )
    functions, rows = guarded(), counts()
    app = house.build(config)
    with serving(app.extensions["obolo_plugins"]):
        if why := catalogue.failed.get(asked.plugin):
            raise Problem(why) from _last_failure(asked.plugin)
        pages = _visit(app, asked.plugin)
        if changed := sorted(name for name, one in guarded().items() if functions[name] is not one):
            raise Problem(f"it replaces {changed[0]}, which is not its own")
        if (now := counts()) != rows:
            touched = next(name for name in rows if rows[name] != now[name])
            raise Problem(f"it writes to {touched}, which is not its own")
    house.build(config)  # a second app in the same process, as after each change of the list
    hooks = tuple(sorted(hooks_of(found[asked.plugin].folder)))
    return Report(hooks=hooks, pages=pages)


def _last_failure(plugin: str) -> BaseException | None:
    noted = [one for one in breaker.noted() if one.plugin == plugin]
    return RuntimeError(noted[-1].detail) if noted else None


def _visit(app: Flask, plugin: str) -> int:
    """Ask for every page of the plugin that needs no name, and for the front page."""
    client = app.test_client()
    rules = [rule for rule in app.url_map.iter_rules() if _is_plain(app, rule, plugin)]
    for address in ("/", *(rule.rule for rule in rules)):
        answer = client.get(address, buffered=True)
        if answer.status_code >= 500:
            raise Problem(f"{address} answers {answer.status_code}") from _last_failure(plugin)
    return len(rules)


def _is_plain(app: Flask, rule: Rule, plugin: str) -> bool:
    is_its_own = getattr(app.view_functions[rule.endpoint], "plugin", "") == plugin
    return is_its_own and "GET" in (rule.methods or ()) and not rule.arguments


def guarded() -> dict[str, Any]:
    """Return what no plugin may replace: functions and classes of Python's and of core."""
    modules = [one for name, one in sys.modules.items() if name.split(".")[0] == "core"]
    return {
        f"{module.__name__}.{name}": one
        for module in (*GUARDED, *modules)
        for name, one in vars(module).items()
        if isinstance(one, FunctionType | type) or module in GUARDED
    }


def counts() -> dict[str, int]:
    """Return how many rows stand in what is core's own."""
    return {table: int(execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]) for table in COUNTED}


def foreign_imports(folder: Path) -> str:
    """Return the first import of a plugin that goes past `from core import ...`, or nothing."""
    for path in sorted(folder.rglob("*.py")):
        if path.parent.name in ("tests", "migrations"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [one.name for one in node.names if one.name.split(".")[0] == "core"]
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("core."):
                names = [node.module or ""]
            if names:
                return names[0]
    return ""


@contextmanager
def copied(config: Config, own: Config, plugins: Sequence[str]) -> Iterator[Config]:
    """Yield a configuration whose database is a copy, from which nothing will be sent."""
    if config.database.startswith("sqlite:///"):
        source = Path(config.database.removeprefix("sqlite:///"))
        copies.copy_sqlite(source, own.home / "obolo.db")
        copy = replace(own, database=f"sqlite:///{own.home}/obolo.db")
        storage.connect(copy.database)
        for table in WAITING:
            execute(f"DELETE FROM {table}")
        yield copy
        return
    schema = f"preflight_{os.getpid()}"
    storage.connect(config.database)
    copy = replace(own, database=_within(config.database, schema))
    try:
        _copy_tables(schema, plugins)
        yield copy
    finally:
        storage.connect(config.database)
        execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')


def _within(url: str, schema: str) -> str:
    sign = "&" if "?" in url else "?"
    return f"{url}{sign}options=-csearch_path%3D{schema}"


def _copy_tables(schema: str, plugins: Sequence[str]) -> None:
    """Put the tables of plugins, with what they hold, beside core's, which are made anew."""
    execute(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')
    execute(f'CREATE SCHEMA "{schema}"')
    every = copies.tables(copies.ask_here)
    names = [table for table in every if table.partition("_")[0] in plugins]
    for table in names:
        execute(f'CREATE TABLE "{schema}"."{table}" (LIKE "{table}" INCLUDING ALL)')
        columns = ", ".join(f'"{one}"' for one in copies.columns(copies.ask_here, table))
        execute(
            f'INSERT INTO "{schema}"."{table}" ({columns}) SELECT {columns} FROM "{table}" '
            f"LIMIT {ROWS}"
        )


if __name__ == "__main__":
    main()
