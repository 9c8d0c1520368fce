"""Which plugins are on, and in which order they are asked: rows that the owner changes.

Each change is audited and tells all processes by the generation `plugins`; they build an app anew.
A site that has no rows yet begins with the list of its configuration.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from core import audit, settings
from core.clock import now
from core.errors import NotFound
from core.storage import execute, insert, instant, lock_name, micros, transaction

State = Literal["enabled", "paused", "off"]
GENERATION = "plugins"
LONGEST_REASON, LONGEST_DETAIL = 500, 8_000
COLUMNS = "name, state, position, reason, detail, changed"


@dataclass(frozen=True, slots=True)
class Entry:
    """One plugin as the owner, or the breaker, left it. `detail` is the traceback of a failure."""

    name: str
    state: State
    position: int
    reason: str
    detail: str
    changed: datetime


def entries() -> list[Entry]:
    """Return all that were ever on, in the order in which they are asked."""
    rows = execute(f"SELECT {COLUMNS} FROM plugins_plugin ORDER BY position, name").fetchall()
    return [
        Entry(name, state, position, reason, detail, instant(changed))
        for name, state, position, reason, detail, changed in rows
    ]


def entry(name: str) -> Entry | None:
    """Return one of them."""
    return next((one for one in entries() if one.name == name), None)


def names(*states: State) -> tuple[str, ...]:
    """Return the names of those in one of these states, in the order in which they are asked."""
    return tuple(one.name for one in entries() if one.state in states)


def begin_with(chosen: Sequence[str]) -> None:
    """Let a site that has no list yet begin with this one."""
    if not chosen or execute("SELECT 1 FROM plugins_plugin").fetchone():
        return
    insert("plugins_plugin", [
        {"name": name, "state": "enabled", "position": place, "reason": "", "detail": "",
         "changed": micros(now())}
        for place, name in enumerate(dict.fromkeys(chosen), 1)
    ], ignore=True)  # fmt: skip


def enable(name: str, *, actor: str) -> None:
    """Switch a plugin on; one that was never on is asked last."""
    _change(name, "enabled", actor=actor, action="plugins.enable")


def disable(name: str, *, actor: str) -> None:
    """Switch a plugin off: its code, pages and gates are gone; what it stored stays."""
    _change(name, "off", actor=actor, action="plugins.disable")


def pause(name: str, reason: str, detail: str = "", *, actor: str = "system") -> bool:
    """Stop a plugin that does not work; tell whether it was on.

    It counts as on: what it stood before stays shut until a person switches it on or off.
    """
    with transaction():
        lock_name(GENERATION)
        found = entry(name)
        if found is None or found.state != "enabled":
            return False
        _change(name, "paused", reason, detail, actor=actor, action="plugins.pause")
    return True


def _change(
    name: str, state: State, reason: str = "", detail: str = "", *, actor: str, action: str
) -> None:
    with transaction():
        lock_name(GENERATION)
        last = execute("SELECT COALESCE(MAX(position), 0) FROM plugins_plugin").fetchone()[0]
        execute(
            f"INSERT INTO plugins_plugin ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (name) DO UPDATE SET state = excluded.state, reason = excluded.reason, "
            "detail = excluded.detail, changed = excluded.changed",
            [name, state, last + 1, reason[:LONGEST_REASON], detail[-LONGEST_DETAIL:],
             micros(now())],
        )  # fmt: skip
        audit.record(action, actor=actor, subject=name, reason=reason[:LONGEST_REASON])
        settings.bump(GENERATION)


def reorder(wanted: Iterable[str], *, actor: str) -> None:
    """Ask plugins in this order; those that are not named stay behind them as they were.

    Raises NotFound for a plugin that was never on.
    """
    with transaction():
        lock_name(GENERATION)
        known = [one.name for one in entries()]
        first = list(dict.fromkeys(wanted))
        if strange := set(first) - set(known):
            raise NotFound("There is no plugin {name} in the list.", name=min(strange))
        ordered = first + [name for name in known if name not in first]
        for place, name in enumerate(ordered, 1):
            execute("UPDATE plugins_plugin SET position = ? WHERE name = ?", [place, name])
        audit.record("plugins.reorder", actor=actor, before=known, after=ordered)
        settings.bump(GENERATION)


def forget(name: str, *, actor: str, data: str) -> None:
    """Take a plugin off the list, in the caller's transaction; `data`: what became of its own."""
    execute("DELETE FROM plugins_plugin WHERE name = ?", [name])
    for table in ("plugins_failure", "plugins_timing"):
        execute(f"DELETE FROM {table} WHERE plugin = ?", [name])
    audit.record("plugins.uninstall", actor=actor, subject=name, data=data)
    settings.bump(GENERATION)
