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
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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
from core.errors import PluginFailed, in_words
from core.plugins import (
    Query,
    breaker,
    catalogue,
    each,
    enabled,
    find_plugins,
    hooks_of,
    serving,
    watching,
)
from core.plugins.preflight import LONGEST_DETAIL, Report
from core.storage import copies, execute

MEMORY, FILES, PROCESSES = 3 * 1024**3, 1_024, 256
START_SECONDS = 5.0
"""A site that takes longer to start with a plugin would take it at each change of the list."""
ROWS = 10_000
"""Rows of each table that are copied on PostgreSQL."""
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
    """The request: the plugin to look at, and a folder to work in."""

    plugin: str
    folder: str


class Problem(Exception):
    """What is wrong with the plugin, in one sentence."""


def main() -> None:
    """Try what was asked for, and leave a report."""
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Asked)
    process = os.getpid()
    _limit()
    try:
        report = tried(asked)
    except Problem as problem:
        cause = problem.__cause__
        detail = "".join(traceback.format_exception(cause)) if cause else ""
        report = Report(problem=str(problem), detail=detail[-LONGEST_DETAIL:])
    except BaseException as error:  # noqa: BLE001 - a stranger's code may raise anything
        detail = traceback.format_exc()[-LONGEST_DETAIL:]
        report = Report(problem=in_words(error), detail=detail)
    if os.getpid() == process:
        place = Path(asked.folder) / "report.json"
        place.with_suffix(".part").write_bytes(msgspec.json.encode(report))
        place.with_suffix(".part").rename(place)
    os._exit(0)  # threads that a plugin started are not waited for


def _limit() -> None:
    """Let a plugin that takes too much fail, instead of the machine."""
    for limit, wanted in (
        (resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_NOFILE, FILES),
        (resource.RLIMIT_CORE, 0), (resource.RLIMIT_NPROC, _processes() + PROCESSES),
    ):  # fmt: skip
        hard = resource.getrlimit(limit)[1]
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(limit, (most, most))


def _processes() -> int:
    """Return how many threads this user has already: the system counts all of them together."""
    mine = 0
    for path in Path("/proc").glob("[0-9]*/task/*"):
        with suppress(OSError):
            mine += path.stat().st_uid == os.getuid()
    return mine


def tried(asked: Asked) -> Report:
    """Build the site with this plugin on, and look at it. Raises Problem."""
    config = configuration.load()
    own = replace(
        config, home=Path(asked.folder), key_folder=str(config.keys), mail="console:", plugins=(),
        safe_mode=False,
    )  # fmt: skip
    with copied(config, own) as copy:
        house.prepare(copy, immediate=True)
        tasks.configure(None)  # nothing is done behind these pages
        for table in WAITING:
            execute(f"DELETE FROM {table}")
        enabled.enable(asked.plugin, actor="preflight")
        return _look(asked.plugin, copy)


def _look(name: str, config: Config) -> Report:
    found, unusable = find_plugins([Path(folder) for folder in config.plugin_folders])
    if name not in found:
        raise Problem(unusable.get(name, "there is no such plugin"))
    folder = found[name].folder
    if not found[name].is_bundled and (strange := foreign_imports(folder)):
        raise Problem(
            f"it imports {strange}, which is not for plugins; write “from core import ...”"
        )
    functions, rows = guarded(), counts()
    app = _built(name, config)
    with serving(app.extensions["obolo_plugins"]):
        if why := catalogue.failed.get(name):
            raise Problem(why) from _last_failure(name)
        pages = _visit(app, name)
        _refuse_touched(functions, rows)
    house.build(config)  # a second app in the same process, as after each change of the list
    return Report(hooks=tuple(sorted(hooks_of(folder))), pages=pages)


def _built(name: str, config: Config) -> Flask:
    started = time.monotonic()
    app = house.build(config)
    if (took := time.monotonic() - started) > START_SECONDS:
        raise Problem(f"the site takes {took:.0f} seconds to start with {name}")
    return app


def _refuse_touched(functions: dict[str, Any], rows: dict[str, int]) -> None:
    present = guarded()
    if changed := sorted(key for key, one in functions.items() if present.get(key) is not one):
        raise Problem(f"it replaces {changed[0]}, which is not its own")
    if (now := counts()) != rows:
        touched = next(key for key in rows if rows[key] != now[key])
        raise Problem(f"it writes to {touched}, which is not its own")
    with suppress(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
        raise Problem("it starts processes of its own")


def _last_failure(plugin: str) -> BaseException | None:
    noted = [one for one in breaker.noted() if one.plugin == plugin]
    return RuntimeError(noted[-1].detail) if noted else None


def _visit(app: Flask, plugin: str) -> int:
    """Ask for every page of the plugin that needs no name, the front page, and some posts."""
    client = app.test_client()
    own = [rule.rule for rule in app.url_map.iter_rules() if _is_plain(app, rule, plugin)]
    for address in own:
        answer = client.get(address, buffered=True)
        if answer.status_code >= 500:
            raise Problem(f"{address} answers {answer.status_code}") from _last_failure(plugin)
    for address in ("/", *_some_posts(app)):
        answer = client.get(address, buffered=True)
        others = {one.plugin for one in breaker.noted()} | catalogue.failed.keys()
        if answer.status_code >= 500 and not others - {plugin}:
            raise Problem(f"{address} answers {answer.status_code}") from _last_failure(plugin)
    _refuse_failures(plugin)
    return len(own)


def _some_posts(app: Flask) -> list[str]:
    """Return addresses at which every plugin is asked what it thinks of a post."""
    with app.app_context(), suppress(PluginFailed):
        cards = [card for _, some in each("list_resources", query=Query(limit=3)) for card in some]
        return [card.url for card in cards[:3] if card.url.startswith("/")]
    return []


def _refuse_failures(plugin: str) -> None:
    """Refuse a plugin that failed or was slow while pages were drawn, though they were drawn."""
    for one in breaker.noted():
        if one.plugin == plugin:
            raise Problem(f"it fails in {one.what}: {one.error}") from RuntimeError(one.detail)
    for (name, what), timing in watching.take_timings().items():
        most = watching.Work(name, what, 0, 0).most
        if name == plugin and timing.slowest > most:
            raise Problem(f"it takes {timing.slowest:.1f} seconds in {what}")


def _is_plain(app: Flask, rule: Rule, plugin: str) -> bool:
    is_its_own = getattr(app.view_functions[rule.endpoint], "plugin", "") == plugin
    return is_its_own and "GET" in (rule.methods or ()) and not rule.arguments


def guarded() -> dict[str, Any]:
    """Return what no plugin may replace: functions and classes of Python's and of core."""
    modules = [one for name, one in sys.modules.items() if name.split(".")[0] == "core"]
    found = {
        f"{module.__name__}.{name}": one
        for module in (*GUARDED, *modules)
        for name, one in vars(module).items()
        if isinstance(one, FunctionType | type) or module in GUARDED
    }
    inner = {
        f"{place}.{name}": one
        for place, kind in found.items()
        if isinstance(kind, type) and kind.__module__.split(".")[0] == "core"
        for name, one in vars(kind).items()
        if isinstance(one, FunctionType)
    }
    return found | inner


def counts() -> dict[str, int]:
    """Return how many rows stand in what is core's own."""
    return {table: int(execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]) for table in COUNTED}


def foreign_imports(folder: Path) -> str:
    """Return the first import of a plugin that goes past `from core import ...`, or nothing."""
    for path in sorted(folder.rglob("*.py")):
        if path.parent.name in ("tests", "migrations") or path.name.startswith("test_"):
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
def copied(config: Config, own: Config) -> Iterator[Config]:
    """Yield a configuration whose database is a copy."""
    if config.database.startswith("sqlite:///"):
        source = Path(config.database.removeprefix("sqlite:///"))
        copies.copy_sqlite(source, own.home / "obolo.db")
        yield replace(own, database=f"sqlite:///{own.home}/obolo.db")
        return
    with _schema(config.database) as schema:
        storage.connect(config.database)
        _copy_tables(schema)
        yield replace(own, database=_within(config.database, schema))
        storage.close()


@contextmanager
def _schema(url: str) -> Iterator[str]:
    """Yield a schema of its own, held by a lock; those whose process was killed are dropped."""
    import psycopg  # noqa: PLC0415 - only sites on PostgreSQL have it

    schema = f"preflight_{secrets.token_hex(6)}"
    plain = url.replace("postgres://", "postgresql://", 1)
    with psycopg.connect(plain, autocommit=True) as keeper:
        keeper.execute(LOCK.format("pg_advisory_lock"), [schema])
        for (left,) in keeper.execute(LEFT, [schema]).fetchall():
            if keeper.execute(LOCK.format("pg_try_advisory_lock"), [left]).fetchone() == (True,):
                keeper.execute(f'DROP SCHEMA IF EXISTS "{left}" CASCADE')
        keeper.execute(f'CREATE SCHEMA "{schema}"')
        try:
            yield schema
        finally:
            storage.close()
            keeper.execute(f'DROP SCHEMA "{schema}" CASCADE')


LOCK = "SELECT {}(hashtextextended(%s, 0))"
LEFT = r"SELECT nspname FROM pg_namespace WHERE nspname LIKE 'preflight\_%%' AND nspname <> %s"


def _within(url: str, schema: str) -> str:
    sign = "&" if "?" in url else "?"
    return f"{url}{sign}options=-csearch_path%3D{schema}"


def _copy_tables(schema: str) -> None:
    """Copy all tables with the first rows of each; what guards core's rows is not needed there."""
    for table in copies.tables(copies.ask_here):
        execute(f'CREATE TABLE "{schema}"."{table}" (LIKE "{table}" INCLUDING ALL)')
        columns = ", ".join(f'"{one}"' for one in copies.columns(copies.ask_here, table))
        execute(
            f'INSERT INTO "{schema}"."{table}" ({columns}) SELECT {columns} FROM "{table}" '
            f"LIMIT {ROWS}"
        )


if __name__ == "__main__":
    main()
