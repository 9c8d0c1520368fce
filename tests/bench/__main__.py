"""`python -m tests.bench`: measure, print the table, write `bench.json`."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.bench.databases import Postgres, Raw, Sqlite, postgres_server
from tests.bench.figures import Figure, table, write
from tests.bench.places import Place, place, write_bare, write_posts
from tests.bench.processes import ROOT
from tests.bench.sections import Effort, pages, starts, unlocks
from tests.bench.swaps import figures as swaps

SMALL, QUICK_SIZES = 1_000, (100, 2_000)
SECTIONS = ("pages", "balance", "starts", "plugins")
FULL = Effort(
    rounds=31, processes=5, warming=2_000, page_rounds=25, requests=30, sales=96, starts=5
)
"""So few requests that a round is over before the machine's pace changes, and so many sales that
what SQLite does now and then, its checkpoints, falls into each turn.
"""
QUICK = Effort(rounds=1, processes=1, warming=8, page_rounds=1, requests=8, sales=8, starts=1)


def main() -> None:
    """Measure what the arguments ask for."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="seconds instead of minutes")
    parser.add_argument("--database", choices=("sqlite", "postgres", "both"), default="both")
    parser.add_argument("--large", type=int, default=1_000_000, help="sales of a large site")
    parser.add_argument("--only", choices=SECTIONS, help="one of the four parts")
    parser.add_argument("--output", type=Path, default=ROOT / "bench.json")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers are stopped
    warnings.filterwarnings("ignore", "XDG_RUNTIME_DIR is not set")
    kinds = ("sqlite", "postgres") if given.database == "both" else (given.database,)
    folder = Path(tempfile.mkdtemp(prefix="obl-bench-"))
    try:
        sizes, effort = (QUICK_SIZES, QUICK) if given.quick else ((SMALL, given.large), FULL)
        figures = measure(kinds, sizes, effort, folder, given.only)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    write(figures, given.output)
    print(table(figures))


def measure(
    kinds: Sequence[str], sizes: Sequence[int], effort: Effort, folder: Path, only: str | None
) -> list[Figure]:
    """Make a site for each database and size, and measure all of them, or `only` one part."""
    started = time.monotonic()

    def say(what: str) -> None:
        print(f"{time.monotonic() - started:5.0f} s  {what}", file=sys.stderr, flush=True)

    posts = write_posts(folder / "posts")
    with ExitStack() as stack:
        server = (
            stack.enter_context(postgres_server(folder / "pg")) if "postgres" in kinds else None
        )
        places: list[Place] = []
        for kind in kinds:
            for size in sizes:
                say(f"fill {kind} with {size:,} sales")
                home = folder / f"{kind}-{size}"
                raw: Raw = (
                    Sqlite(home / "obolo.db") if kind == "sqlite"
                    else Postgres(server, f"bench_{size}")
                )  # fmt: skip
                places.append(stack.enter_context(place(raw, size, home, posts)))
        write_bare(places[0], folder / "bare")
        parts: dict[str, Callable[[], list[Figure]]] = {
            "pages": lambda: pages(places, folder / "bare", effort),
            "balance": lambda: unlocks(places, effort),
            "starts": lambda: starts(places[:2], folder / "bare", effort),
            "plugins": lambda: swaps(folder / "plugins", effort.rounds),
        }
        figures: list[Figure] = []
        for name in SECTIONS if only is None else (only,):
            say(name)
            figures += parts[name]()
        say("done")
    return figures


if __name__ == "__main__":
    main()
