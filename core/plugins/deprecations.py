"""What plugins may no longer rely on: shown by `obolo plugins check` and on the plugin's page.

A name of `core` or a hook is put here at least one minor version of the plugin interface before the
major version that takes it away. Until then it works as it did.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

from core.plugins.loader import hooks_of


@dataclass(frozen=True, slots=True)
class Deprecated:
    """A name, the versions of the interface from which on it is old and gone, and what to use."""

    name: str
    since: str
    removed_in: str
    instead: str

    def __str__(self) -> str:
        """Say it to the author."""
        return (
            f"{self.name} is old since {self.since} and goes with {self.removed_in}: {self.instead}"
        )


DEPRECATED: tuple[Deprecated, ...] = ()
"""Nothing so far: version 1.0 is the first."""


def used_by(folder: Path) -> list[Deprecated]:
    """Return what a plugin uses of it, read from its code without running it."""
    used = hooks_of(folder) | {name for path in folder.rglob("*.py") for name in taken(path)}
    return [one for one in DEPRECATED if one.name in used]


def taken(path: Path) -> set[str]:
    """Return the names that a file imports from `core`."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (ValueError, SyntaxError):
        return set()
    return {
        one.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "core" and not node.level
        for one in node.names
    }
