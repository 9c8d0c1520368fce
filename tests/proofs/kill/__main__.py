"""`python -m tests.proofs.kill`: kill, judge, count; 1 for a fault or an uncaught weak twin."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.proofs.kill import weak
from tests.proofs.kill.bank import Bank
from tests.proofs.kill.campaign import ROUNDS, Campaign, Counts
from tests.proofs.kill.databases import Databases, SqliteFiles
from tests.proofs.kill.life import POINTS
from tests.proofs.kill.on_paypal import PayPal
from tests.proofs.kill.on_play_money import PlayMoney
from tests.proofs.kill.on_stripe import Stripe
from tests.proofs.kill.processes import Child, Say
from tests.proofs.kill.rehearsal import rehearse
from tests.proofs.kill.site import build

MEMORY = Path("/dev/shm")
DAY = 24 * 3600
BANKS: dict[str, type[Bank]] = {one.provider: one for one in (PlayMoney, Stripe, PayPal)}

Work = Callable[[Callable[..., Campaign], Say], None]
"""What is done with a campaign; it says the counts last."""


def main() -> int:
    """Prove what the arguments ask for."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that folders are cleared away
    given = _arguments()
    for name in [name for name in os.environ if name.startswith("OBOLO_")]:
        del os.environ[name]  # what the shell sets for a site of its own
    kinds = ["sqlite", "postgres"] if given.database == "both" else [given.database]
    if "postgres" in kinds:
        warnings.filterwarnings("ignore", "XDG_RUNTIME_DIR is not set")
        from tests import postgres

        postgres.server()  # started here, so that it ends with this process
    bank, failed = BANKS[given.provider], False
    place = MEMORY if os.access(MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(
        prefix="obolo-kill-", dir=place, ignore_cleanup_errors=True
    ) as folder:
        for kind in kinds:
            more = given.kills_postgres if kind == "postgres" else None
            kills = given.kills if more is None else more
            if kills:
                failed |= _strong(bank, kind, kills, given.state, Path(folder) / kind)
            if given.weak:
                failed |= not _weak(bank, kind, given.weak, Path(folder) / f"{kind}-weak")
    return int(failed)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.proofs.kill", description=__doc__)
    parser.add_argument("--kills", type=int, default=20, help="on each database")
    parser.add_argument("--kills-postgres", type=int, help="on PostgreSQL, if not the same")
    parser.add_argument("--database", choices=("sqlite", "postgres", "both"), default="both")
    parser.add_argument("--provider", choices=BANKS, default="playmoney", help="who is paid by")
    parser.add_argument("--weak", type=int, default=100, help="kills to catch the weak twin in")
    default = Path(tempfile.gettempdir()) / "obolo-kill"
    parser.add_argument("--state", type=Path, default=default, help="the folder of the counts")
    return parser.parse_args()


def _databases(kind: str, folder: Path) -> Databases:
    if kind == "sqlite":
        return SqliteFiles(folder)
    from tests.proofs.kill.on_postgres import PostgresDatabases

    return PostgresDatabases()


def _in_a_child(bank: type[Bank], kind: str, folder: Path, work: Work) -> dict[str, Any]:
    """Build the site in a process of its own, which forks the rounds; return what it says last."""
    folder.mkdir()

    def live(say: Say) -> None:
        databases = _databases(kind, folder)
        app = build(databases.template, folder / "home", bank)

        def campaign(counts: Counts, kept: Path | None = None) -> Campaign:
            points = rehearse(app, databases, folder, bank)
            return Campaign(app, databases, folder, bank, points, counts, kept)

        work(campaign, say)

    child = Child(live)
    try:
        said = child.hear(30 * DAY)
    finally:
        child.kill()  # and with it the site and the bank
    if said is None:
        raise SystemExit(f"the proof on {kind} ended without a result")
    return said


def _strong(bank: type[Bank], kind: str, target: int, state: Path, folder: Path) -> bool:
    """Kill the real site; True when anything was wrong."""
    file, what = state / f"kill-{bank.provider}-{kind}.json", f"{bank.provider} on {kind}"
    begun = _read(file, target)
    if begun.kills:
        print(f"{what}: going on after {begun.kills} of {target} kills", flush=True)

    def work(campaign: Callable[..., Campaign], say: Say) -> None:
        running = campaign(begun, state / f"faults-{bank.provider}-{kind}")
        while begun.kills < target:
            running.run(min(ROUNDS, target - begun.kills))
            _write(file, target, begun)
        say(**asdict(begun))

    counts = Counts(**_in_a_child(bank, kind, folder, work))
    _write(file, target, counts)
    _show(what, counts)
    return counts.faults > 0


def _weak(bank: type[Bank], kind: str, most: int, folder: Path) -> bool:
    """Kill the weak twin until one of its faults was seen; True when it was."""

    def work(campaign: Callable[..., Campaign], say: Say) -> None:
        counts = Counts()
        running = campaign(counts)
        weak.weaken()
        while counts.kills < most and not (counts.lost + counts.doubled):
            running.run(min(ROUNDS, most - counts.kills))
        say(**asdict(counts))

    counts = Counts(**_in_a_child(bank, kind, folder, work))
    caught = counts.lost + counts.doubled > 0
    print(
        f"{bank.provider} on {kind}, weak twin: {'caught' if caught else 'NOT CAUGHT'} within "
        f"{counts.kills} kills: "
        f"lost {counts.lost}, doubled {counts.doubled}, other faults "
        f"{counts.faults - counts.lost - counts.doubled}; {counts.seconds:.1f} s",
        flush=True,
    )
    return caught


def _show(what: str, counts: Counts) -> None:
    print(
        f"{what}: {counts.kills} kills ({counts.random} at a random instant, "
        f"{sum(counts.points.values())} at a crash point, {counts.recovering} while recovering), "
        f"{counts.between} between intent and settle, {counts.unbooked} with money that the books "
        f"did not have yet, {counts.refunding} within a refund; {counts.charges} charges, "
        f"{counts.refunds} refunds, {counts.verified} databases verified: lost {counts.lost}, "
        f"doubled {counts.doubled}, faults {counts.faults}; {counts.seconds:.1f} s, "
        f"{1000 * counts.seconds / max(1, counts.kills):.0f} ms a kill"
    )
    print(
        "  " + ", ".join(f"{name} {times}" for name, times in counts.points.items() if times),
        flush=True,
    )


def _read(file: Path, target: int) -> Counts:
    """Return the counts of a run with this target that was interrupted, or new ones."""
    try:
        kept = json.loads(file.read_text())
    except (OSError, ValueError):
        return Counts()
    counts = Counts(**kept["counts"])
    going_on = kept["target"] == target and counts.kills < target
    return counts if going_on and set(counts.points) == set(POINTS) else Counts()


def _write(file: Path, target: int, counts: Counts) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".new")
    draft.write_text(json.dumps({"target": target, "counts": asdict(counts)}))
    draft.replace(file)


if __name__ == "__main__":
    sys.exit(main())
