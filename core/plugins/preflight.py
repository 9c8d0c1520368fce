"""Before a list of plugins goes live: a child process builds the site with it, on a copy.

What a plugin does there harms nobody. Whatever becomes of the child, the site serves on.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from core.errors import Refused

ROOT = Path(__file__).parents[2]
SECONDS = 30.0
"""How long the child may take; a hundred pages take two."""
LONGEST_DETAIL = 8_000


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


def check(plugin: str, names: Sequence[str], home: Path) -> Report:
    """Build the site in `home` with these plugins in a child process, and look at one of them."""
    with tempfile.TemporaryDirectory(prefix="obolo-preflight-") as folder:
        place = Path(folder) / "report.json"
        said = Path(folder) / "said.txt"
        asked = msgspec.json.encode({"plugin": plugin, "names": list(names), "folder": folder})
        status = _run(asked, said, home)
        try:
            report = msgspec.json.decode(place.read_bytes(), type=Report)
        except (OSError, msgspec.DecodeError):
            return Report(problem=_end(status), detail=_tail(said))
        if report.problem and not report.detail:
            report = msgspec.structs.replace(report, detail=_tail(said))
        return report


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
            with suppress(ProcessLookupError):
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
