"""Compile message catalogues: each `.po` file named on the command line gets its `.mo` beside it.

A catalogue whose `.mo` is newer is left alone. A translation that lost a placeholder, or that
cannot be parsed, stops the build and is named with its line.
"""

from __future__ import annotations

import sys
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po


def is_stale(source: Path, target: Path) -> bool:
    """Tell whether `target` is missing or older than `source`."""
    return not target.exists() or target.stat().st_mtime <= source.stat().st_mtime


def compile_catalogue(source: Path, target: Path) -> list[str]:
    """Write `target` from `source`; return what is wrong, and write nothing in that case."""
    try:
        with source.open("rb") as lines:
            catalogue = read_po(lines, locale=source.parent.parent.name, abort_invalid=True)
    except PoFileError as error:
        return [f"{source}: {error}"]
    wrong = [
        f"{source}:{message.lineno}: {error}"
        for message, errors in catalogue.check()
        for error in errors
    ]
    if not wrong:
        with target.open("wb") as output:
            write_mo(output, catalogue)
    return wrong


def main(names: list[str]) -> int:
    """Compile what is stale and return the exit code: 1 when a catalogue is wrong."""
    sources = [Path(name) for name in names]
    wrong = [
        line
        for source in sources
        if is_stale(source, source.with_suffix(".mo"))
        for line in compile_catalogue(source, source.with_suffix(".mo"))
    ]
    print("\n".join(wrong), file=sys.stderr, end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
