"""Before a list of plugins goes live: a child process builds the site with it, on a copy.

What a plugin does there harms nobody. Whatever becomes of the child, the site serves on.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

import msgspec

from core import config, settings
from core.errors import OboloError, Refused

ROOT = Path(__file__).parents[2]
SECONDS = 30.0
"""How long the child may take; a hundred pages take two."""
LONGEST_DETAIL = 8_000
LEFT_SECONDS = 3_600.0
"""A folder that is older was left by a process that was killed."""
LEAST_SECRET = 6
"""Shorter ones stand in any text."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What the child found: nothing, or one sentence for the owner and the traceback behind it."""

    problem: str = ""
    detail: str = ""
    hooks: tuple[str, ...] = ()
    pages: int = 0


class NotReady(Refused):
    """A plugin did not pass; nothing was changed. `report` says why."""

    status = 422

    def __init__(self, plugin: str, report: Report) -> None:
        super().__init__(
            "{plugin} stays as it is: {problem}", plugin=plugin, problem=report.problem
        )
        self.report = report


def check(plugin: str, home: Path) -> Report:
    """Build the site in `home` with this plugin on in a child process, and look at it there."""
    place = home / "preflight"
    place.mkdir(mode=0o700, exist_ok=True)
    _sweep(place)
    with tempfile.TemporaryDirectory(dir=place) as folder:
        said = Path(folder) / "said.txt"
        asked = msgspec.json.encode({"plugin": plugin, "folder": folder})
        status = _run(asked, said, home)
        try:
            report = msgspec.json.decode((Path(folder) / "report.json").read_bytes(), type=Report)
        except (OSError, msgspec.DecodeError):
            report = Report(problem=_end(status))
        if not report.problem:
            return report
        return _without(secrets_of(home), report, report.detail or _tail(said))


def _sweep(place: Path) -> None:
    """Remove the copies that were left when a process was killed."""
    for folder in place.iterdir():
        if time.time() - folder.stat().st_mtime > LEFT_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)


def _run(asked: bytes, said: Path, home: Path) -> int | None:
    """Return the child's exit code, or None when it did not end in time."""
    environment = {**os.environ, "OBOLO_HOME": str(home), "PYTHONUNBUFFERED": "1"}
    with said.open("wb") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "core.preflight"], cwd=ROOT, env=environment,
            stdin=subprocess.PIPE, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
        try:
            child.communicate(asked, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            return None
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)  # and whatever it started
            child.wait()
    return child.returncode


def _end(status: int | None) -> str:
    if status is None:
        return f"it did not end within {SECONDS:.0f} seconds"
    if status < 0:
        return f"it ended its process by {signal.Signals(-status).name}"
    return f"it ended its process with {status}"


def _tail(said: Path) -> str:
    text = said.read_bytes()[-LONGEST_DETAIL:] if said.exists() else b""
    return text.decode(errors="replace")


def _without(secrets: Iterable[str], report: Report, detail: str) -> Report:
    """Return a report in which no secret stands: a plugin may print what it reads."""
    problem = report.problem
    for secret in secrets:
        problem, detail = problem.replace(secret, "•••"), detail.replace(secret, "•••")
    return msgspec.structs.replace(report, problem=problem, detail=detail)


def secrets_of(home: Path) -> list[str]:
    """Return the secrets of the site that are text, the longest first."""
    return sorted({one for one in _secrets(home) if len(one) >= LEAST_SECRET}, key=len)[::-1]


def _secrets(home: Path) -> Iterator[str]:
    chosen = config.load(home)
    for path in (*chosen.keys.glob("*.key"), home / "keys" / "session.key"):
        yield from path.read_text().split()
    for url in (chosen.database, chosen.mail):
        if password := urlsplit(url).password:
            yield from (password, unquote(password))
    for one in settings.declared():
        if one.secret:
            with suppress(OboloError):  # what its keys no longer open, nobody can print
                yield settings.value(one.name)
