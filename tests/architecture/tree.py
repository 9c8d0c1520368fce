"""The files that the rules of the architecture are about."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLUGINS = sorted(path.parent for path in (ROOT / "plugins").glob("*/plugin.toml"))


def sources(*folders: str) -> list[Path]:
    """Return the Python files below these folders, apart from caches and other people's code."""
    found = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return sorted(path for path in found if "vendor" not in path.parts)


def name_of(path: Path) -> str:
    """Return a file's path as the project writes it."""
    return path.relative_to(ROOT).as_posix()


@cache
def parsed(path: Path) -> ast.Module:
    """Return a file's syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"))
