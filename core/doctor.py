"""What needs attention: each finding in one sentence, with how bad it is and what it is about."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal

from core import audit, doors, figures, ledger, mail, notices, scripts, storage
from core.clock import now
from core.payments import inbox, lines, records
from core.people import users
from core.plugins import breaker, catalogue, connections, enabled, implementations
from core.plugins.watching import THEME
from core.settings import site_currency, value
from core.storage import backup, classes, execute, transaction
from core.themes.choosing import taken_off
from core.verify import verify

Level = Literal["wrong", "soon", "note"]
"""`wrong`: something does not hold. `soon`: it will hurt if nobody looks. `note`: good to know."""

SENTENCES = {
    "plugin": "The plugin {name} is off: {why}",
    "class": "The columns of a plugin have no class: {why}",
    "disk": "The database does not wait for the disk (synchronous is not FULL).",
    "space": "There are {left} MB left on the disk.",
    "books": "{invariant}: {subject}: {detail}",
    "seal": "The audit events no longer match the seal {number}.",
    "paused": "The plugin {name} is paused: {why}",
    "connection": "The connection of {name} does not hold: {why}",
    "theme": "The theme {name} was taken off, and the plain one is worn: {why}",
    "delivery": "Messages of {provider} that could not be settled: {number}. {why}",
    "notice": "Events of which {plugin} was not told: {number}. {why}",
    "mail": "Messages that were given up: {number}.",
    "console": "Messages go into the log only: no mail server is set.",
    "tasks": "Nobody has done the work behind the pages for {minutes} minutes.",
    "unassigned": "{amount} came in that belongs to no order.",
    "dispute": "A payment is disputed: {amount} are held back until it is decided.",
    "suspicion": "The provider suspects a fraud: {why}. Nothing was taken back yet.",
    "held": "{amount} are reserved and wait for a decision.",
    "account": "{number} lines of the account of {provider} are not explained.",
    "backup": "The newest backup is {days} days old.",
    "no_backup": "There is no backup yet.",
    "factor": "People of the team without a second factor: {number}.",
    "play": "Payments by {names} are play money.",
    "script": "The script {src} of {owner} is not the one that was accepted.",
    "loss": "checkout.allow_loss is on: small sales may cost more than they bring.",
}
"""What each kind of finding says; the keys of its {braces} are in the finding's `values`."""

BACKUP_AFTER = timedelta(days=8)
LEAST_MB = 500
IDLE_AFTER = timedelta(minutes=10)
NEW_FOR = timedelta(days=2)
"""For so long nobody is told that a new site has no backup."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that needs attention. `kind` is a key of SENTENCES."""

    level: Level
    kind: str
    values: Mapping[str, object] = field(default_factory=dict)
    subject: str = ""

    @property
    def key(self) -> str:
        """What tells it from other findings, as long as it is the same."""
        return f"{self.kind}:{self.subject}"[: audit.LONGEST_TEXT]

    @property
    def sentence(self) -> str:
        """What it says, in English."""
        return SENTENCES[self.kind].format(**self.values)


def findings(home: Path, *, deep: bool = False) -> list[Finding]:
    """Return what needs attention on the site in `home`, the worst first.

    With `deep` all of the books and all seals are checked as well, and plugins look whether what
    they need outside answers; that takes a while. Else what they found last is told.
    """
    if deep:
        connections.check(connections.able(), actor="system")
    checks = (*QUICK, *DEEP) if deep else QUICK
    found = [one for check in checks for one in check(home)]
    order: list[Level] = ["wrong", "soon", "note"]
    return sorted(found, key=lambda one: order.index(one.level))


def _plugins(_home: Path) -> Iterator[Finding]:
    for name, why in catalogue.failed.items():
        yield Finding("wrong", "plugin", {"name": name, "why": why}, name)
    for name, manifest in catalogue.manifests.items():
        for why in classes.faults(manifest.columns, (f"{name}_",)):
            yield Finding("wrong", "class", {"why": why}, why)
    for entry in enabled.entries():
        if entry.state == "paused":
            about = {"name": entry.name, "why": entry.reason}
            yield Finding("wrong", "paused", about, f"{entry.name}:{entry.changed.isoformat()}")


def _connections(_home: Path) -> Iterator[Finding]:
    for name in connections.able():
        for health in connections.last(name)[1]:
            if not health.ok:
                yield Finding("wrong", "connection", {"name": name, "why": health}, name)


def _theme(_home: Path) -> Iterator[Finding]:
    if name := taken_off():
        last = breaker.failures(f"{THEME}{name}", limit=1)
        why = last[0].error if last else "it failed again and again"
        yield Finding("wrong", "theme", {"name": name, "why": why}, name)


def _house(home: Path) -> Iterator[Finding]:
    if not storage.is_postgres() and execute("PRAGMA synchronous").fetchone()[0] != 2:
        yield Finding("wrong", "disk")
    left = shutil.disk_usage(home).free // 2**20
    if left < LEAST_MB:
        yield Finding("wrong", "space", {"left": left})
    last = execute("SELECT MAX(at) FROM tasks_slot").fetchone()[0]
    idle = timedelta() if last is None else now() - storage.instant(last)
    if idle > IDLE_AFTER:
        yield Finding("soon", "tasks", {"minutes": int(idle.total_seconds()) // 60})


def _waiting(_home: Path) -> Iterator[Finding]:
    failed = [(name, event, why) for name, event, _, n, why in inbox.unsettled() if n]
    for name, number, event, why in _by_name(failed):
        about = {"provider": name, "number": number, "why": why}
        yield Finding("soon", "delivery", about, f"{name}:{event}")
    untold = [(name, cause, why) for cause, name, _, n, why in notices.untold() if n]
    for name, number, cause, why in _by_name(untold):
        about = {"plugin": name, "number": number, "why": why}
        yield Finding("soon", "notice", about, f"{name}:{cause}")
    if number := mail.given_up():
        yield Finding("soon", "mail", {"number": number}, str(number))
    if mail.is_console() and not implementations("send_message"):
        yield Finding("note", "console")


def _by_name(rows: Sequence[tuple[str, str, str]]) -> Iterator[tuple[str, int, str, str]]:
    """Yield each name once: how many rows it has, and what its newest one is and says."""
    latest = {name: (id, why) for name, id, why in rows}
    for name, (id, why) in latest.items():
        yield name, sum(row[0] == name for row in rows), id, why


def _money(_home: Path) -> Iterator[Finding]:
    tests = [name for name, provider in catalogue.providers.items() if provider.mode == "test"]
    mode = "test" if tests and len(tests) == len(catalogue.providers) else "live"
    kept = ledger.balance(ledger.UNASSIGNED, site_currency(), mode)
    if kept:
        yield Finding("soon", "unassigned", {"amount": -kept}, str(kept))
    for order, amount in figures.disputed(tuple(catalogue.providers), mode):
        yield Finding("soon", "dispute", {"amount": amount}, order)
    for payment in records.suspected():
        yield Finding("soon", "suspicion", {"why": payment.facts.warning}, payment.order)
    for payment in records.held():
        yield Finding("soon", "held", {"amount": payment.amount}, payment.order)
    for name, count in Counter(one.provider for one in lines.differences(500)).items():
        yield Finding("soon", "account", {"number": count, "provider": name}, f"{name}:{count}")
    if tests:
        yield Finding("note", "play", {"names": ", ".join(tests)})
    if value("checkout.allow_loss"):
        yield Finding("soon", "loss")


def _scripts(_home: Path) -> Iterator[Finding]:
    for one in scripts.differences():
        about = {"owner": one.owner, "src": one.src}
        yield Finding("wrong", "script", about, one.name)


def _backups(home: Path) -> Iterator[Finding]:
    kept = backup.listed(home)
    first = execute("SELECT MIN(at) FROM audit_event").fetchone()[0]
    if kept and now() - kept[0].made > BACKUP_AFTER:
        yield Finding("soon", "backup", {"days": (now() - kept[0].made).days})
    if not kept and first is not None and now() - storage.instant(first) > NEW_FOR:
        yield Finding("soon", "no_backup")


def _team(_home: Path) -> Iterator[Finding]:
    bare = [one for one in users.listed(staff_only=True) if not doors.is_protected(one)]
    if bare:
        yield Finding("note", "factor", {"number": len(bare)}, str(len(bare)))


def _books(_home: Path) -> Iterator[Finding]:
    for fault in verify():
        about = {"invariant": fault.invariant, "subject": fault.subject, "detail": fault.detail}
        yield Finding("wrong", "books", about, f"{fault.invariant}:{fault.subject}")
    for number in audit.EVENTS.broken():
        yield Finding("wrong", "seal", {"number": number}, str(number))


QUICK: tuple[Callable[[Path], Iterator[Finding]], ...] = (
    _plugins, _connections, _theme, _house, _waiting, _money, _scripts, _backups, _team,
)  # fmt: skip
DEEP: tuple[Callable[[Path], Iterator[Finding]], ...] = (_books,)

IGNORE, HEED = "health.ignore", "health.heed"


def ignored() -> dict[str, str]:
    """Return why findings are ignored, by their key; the audit log keeps who said so."""
    said = [*audit.events(action=IGNORE, limit=500), *audit.events(action=HEED, limit=500)]
    latest = {event.subject: event for event in sorted(said, key=lambda one: one.id)}
    return {
        key: str(event.data.get("reason", ""))
        for key, event in latest.items()
        if event.action == IGNORE
    }


def ignore(key: str, reason: str, *, actor: str, address: str = "") -> None:
    """Show a finding no longer among what needs attention, for a reason."""
    with transaction():
        audit.record(IGNORE, actor=actor, subject=key, address=address, reason=reason)


def heed(key: str, *, actor: str, address: str = "") -> None:
    """Show a finding again that was ignored."""
    with transaction():
        audit.record(HEED, actor=actor, subject=key, address=address)
