"""Every script that pages of the site can load: whose, what for, and whether it was changed.

PCI DSS 4.0.1 asks for the list with reasons (6.4.3), and for an alarm when one is changed (11.6.1).
Files of the site are compared by their SHA-256. What stands elsewhere is listed only: a provider
changes its own script whenever it likes, answers for it, and lets nobody pin it.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from core import audit, mail
from core.clock import now
from core.plugins import catalogue, plugin_folders
from core.plugins.loader import find_plugins
from core.settings import value
from core.storage import execute, insert, micros, transaction
from core.themes import Theme

log = logging.getLogger("obolo.scripts")
CORE = Path(__file__).parent / "static"
REASONS: Mapping[str, str] = {
    "admin.js": "Opens the palette and keeps long lists handy in the administration.",
    "passkeys.js": "Asks the browser for a passkey.",
    "seen.js": "Counts once that an offer was seen, without a cookie.",
    "theme.js": "Keeps the colours that a reader chose, and looks whether a payment came through.",
}
"""What core's own scripts and those of its themes are for."""


@dataclass(frozen=True, slots=True)
class Script:
    """A script: `owner` is core, a plugin or `theme:<name>`; one elsewhere has no digest."""

    owner: str
    version: str
    src: str
    reason: str
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """A script that is not the one that was accepted; `found` is empty when it is gone."""

    owner: str
    src: str
    accepted: str
    found: str

    @property
    def name(self) -> str:
        """Tell this difference from a later one of the same script."""
        return f"{self.owner}/{self.src}:{self.found[:16]}"


def inventory(themes: Iterable[Theme] = ()) -> list[Script]:
    """Return the scripts of core, of these themes and of every plugin that is on."""
    places, _ = find_plugins(plugin_folders())
    found = [*_of_folder("core", _version(), CORE, REASONS)]
    for theme in themes:
        about = theme.manifest.theme
        found += _of_folder(f"theme:{theme.name}", about.version, theme.folder / "static", REASONS)
    for name, manifest in sorted(catalogue.manifests.items()):
        reasons = {one.src: one.reason.get("en", "") for one in manifest.scripts}
        version = manifest.plugin.version
        if name in places:
            found += _of_folder(name, version, places[name].folder / "static", reasons)
        found += [
            Script(name, version, src, reason) for src, reason in reasons.items() if "://" in src
        ]
    return found


def _version() -> str:
    try:
        return metadata.version("obolo")
    except metadata.PackageNotFoundError:
        return ""


def _of_folder(
    owner: str, version: str, folder: Path, reasons: Mapping[str, str]
) -> Iterator[Script]:
    for path in sorted((*folder.rglob("*.js"), *folder.rglob("*.mjs"))):
        src = path.relative_to(folder).as_posix()
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        yield Script(owner, version, src, reasons.get(src, ""), digest)


def check(themes: Iterable[Theme] = ()) -> list[Difference]:
    """Compare the scripts with those that were accepted; tell the owner once of each difference.

    A plugin that was just switched on, and a new version of one, are the owner's own doing: theirs
    are accepted as they are. A file that comes, changes or goes without that is a difference.
    """
    scripts = [one for one in inventory(themes) if one.digest]
    with transaction():
        before = differences()
        _forget_absent({one.owner for one in scripts})
        for owner in sorted({one.owner for one in scripts}):
            _compare([one for one in scripts if one.owner == owner])
        news = [one for one in differences() if one not in before]
        if news:
            _alarm(news)
    return differences()


def _forget_absent(owners: set[str]) -> None:
    for (owner,) in execute("SELECT DISTINCT owner FROM scripts_script").fetchall():
        if owner not in owners:
            execute("DELETE FROM scripts_script WHERE owner = ?", [owner])


def _compare(scripts: list[Script]) -> None:
    """Note what was found of one owner's scripts."""
    owner, version = scripts[0].owner, scripts[0].version
    rows = execute("SELECT src, version FROM scripts_script WHERE owner = ?", [owner]).fetchall()
    if not rows or any(row[1] != version for row in rows):
        _record(scripts)
        return
    found = {one.src: one.digest for one in scripts}
    known = {row[0] for row in rows}
    for src in known:
        execute(
            "UPDATE scripts_script SET found = ?, at = ? WHERE owner = ? AND src = ?",
            [found.get(src, ""), micros(now()), owner, src],
        )
    for one in scripts:
        if one.src not in known:
            _insert(one, accepted="")


def _record(scripts: list[Script]) -> None:
    owner = scripts[0].owner
    execute("DELETE FROM scripts_script WHERE owner = ?", [owner])
    for one in scripts:
        _insert(one, accepted=one.digest)
    audit.record(
        "scripts.record", actor="system", subject=owner, version=scripts[0].version,
        digests={one.src: one.digest[:16] for one in scripts},
    )  # fmt: skip


def _insert(script: Script, *, accepted: str) -> None:
    insert("scripts_script", {
        "owner": script.owner, "src": script.src, "version": script.version,
        "accepted": accepted, "found": script.digest, "at": micros(now()),
    })  # fmt: skip


def differences() -> list[Difference]:
    """Return which scripts were not as they were accepted when they were last looked at."""
    rows = execute(
        "SELECT owner, src, accepted, found FROM scripts_script WHERE accepted <> found "
        "ORDER BY owner, src"
    )
    return [Difference(*row) for row in rows.fetchall()]


def accept(
    themes: Iterable[Theme], *, actor: str, address: str = "", only: str | None = None
) -> list[Difference]:
    """Take the scripts as they are now for right; return what was different.

    `only` names one difference: so nobody accepts what changed again after they saw it.
    """
    check(themes)
    with transaction():
        found = [one for one in differences() if only in (None, one.name)]
        for one in found:
            audit.record(
                "scripts.accept", actor=actor, subject=f"{one.owner}/{one.src}", address=address,
                before=one.accepted, after=one.found,
            )  # fmt: skip
            execute(
                "UPDATE scripts_script SET accepted = found WHERE owner = ? AND src = ?",
                [one.owner, one.src],
            )
        execute("DELETE FROM scripts_script WHERE found = '' AND accepted = ''")
    return found


def _alarm(news: list[Difference]) -> None:
    """Say in the log, in the audit log and to the owner that scripts were changed."""
    for one in news:
        log.error("the script %s of %s is not the one that was accepted", one.src, one.owner)
        audit.record(
            "scripts.changed", actor="system", subject=f"{one.owner}/{one.src}",
            before=one.accepted, after=one.found,
        )  # fmt: skip
    email = value("site.owner_email")
    if not email:
        return
    lines = "\n".join(f"{one.owner}: {one.src}" for one in news)
    body = (
        "These scripts of your site are not the ones that were accepted:\n\n"
        f"{lines}\n\nIf you changed them, accept them under Health, or run: obolo plugins "
        "scripts --accept\n"
        "If you did not, take the site down and look who did.\n\n"
        "Questi script del sito non sono quelli accettati. Se li hai cambiati tu, accettali in "
        "Salute, o esegui: obolo plugins scripts --accept. Altrimenti ferma il sito e scopri "
        "chi è stato."
    )
    mail.send(email, f"{value('site.name')}: scripts changed / script cambiati", body, "en")
