"""`obolo run --reload`: start the site again when a file of a plugin or a theme changes.

One process looks at the files; the site is its child, which it ends and starts on the same port.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import click

from core.plugins.catalogues import compile_stale

LOOK_SECONDS = 0.5
END_SECONDS = 15
LEFT_OUT = {"__pycache__", ".git", "tests"}
MADE = {".mo", ".pyc"}


def files(folders: Iterable[Path]) -> dict[Path, int]:
    """Return the files below these folders with the time of their last change."""
    found: dict[Path, int] = {}
    for folder in folders:
        for path in folder.rglob("*"):
            if path.suffix not in MADE and not LEFT_OUT.intersection(path.parts) and path.is_file():
                found[path] = path.stat().st_mtime_ns
    return found


def changed(before: Mapping[Path, int], after: Mapping[Path, int]) -> list[Path]:
    """Return what came, went or changed between two looks."""
    return sorted(
        path for path in before.keys() | after.keys() if before.get(path) != after.get(path)
    )


def run_again(
    command: Sequence[str],
    folders: Sequence[Path],
    environment: Mapping[str, str],
    *,
    say: Callable[[str], object] = click.echo,
) -> int:
    """Run the site until it or this process is ended, anew after each change; return its code."""
    before = files(folders)
    child = _start(command, folders, environment)
    try:
        while child.poll() is None:
            time.sleep(LOOK_SECONDS)
            after = files(folders)
            if touched := changed(before, after):
                before = after
                say(f"  {touched[0].name} changed; the site starts again.")
                _end(child)
                child = _start(command, folders, environment)
    except KeyboardInterrupt:
        pass
    finally:
        _end(child)
    return child.returncode


def end_on_terminate() -> None:
    """Let SIGTERM end this process as Ctrl-C does, so that the site ends with it."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def _start(
    command: Sequence[str], folders: Iterable[Path], environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    for folder in folders:
        for plugin in folder.iterdir() if folder.is_dir() else ():
            for line in compile_stale(plugin):
                click.echo(f"  {line}", err=True)
    return subprocess.Popen(  # noqa: S603 - this same program, without --reload
        [sys.executable, "-m", "core.cli", *command], env=dict(environment)
    )


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
