"""Compile message catalogues: each `.po` file named on the command line gets its `.mo` beside it.

A catalogue whose `.mo` is newer is left alone. A translation that lost a placeholder, or that
cannot be parsed, stops the build and is named with its line.
"""

from __future__ import annotations

import sys
from pathlib import Path

from core.plugins.catalogues import compile_catalogue, is_stale


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
