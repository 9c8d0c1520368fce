"""All keys change while a site reads and writes, and the rotation is killed at random points.

1 kill; `OBOLO_PROOF_FACTOR=50` makes it 50, and 100,000 cells for the figure of the speed.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import time

import pytest

from core.storage import cells, execute, keys, rotation, transaction
from tests.proofs import rotating

FACTOR = int(os.environ.get("OBOLO_PROOF_FACTOR", "1"))
KILLS, ROWS = FACTOR, 300
CELLS = min(6_000 * FACTOR, 100_000)
SPAWN = multiprocessing.get_context("spawn")
LATEST = 9.0 if FACTOR > 1 else 3.0
"""Seconds after the first until which a rotation may be killed."""
BAR_SECONDS = 60 if FACTOR > 1 else 240
"""For 100,000 cells, on a machine of its own; among other tests a process waits."""

pytestmark = [pytest.mark.proof, pytest.mark.xdist_group("rotations")]


@pytest.fixture
def rows(db):
    rotating.make_table()
    with transaction():
        for id in range(ROWS):
            rotating.add(str(id))
    yield
    execute("DROP TABLE proof_person")


@pytest.fixture
def start(db, keys_folder, tmp_path):
    """Return what starts a process, and ends those that are left."""
    running = []

    def run(work):
        process = SPAWN.Process(target=work, args=(db, keys_folder, ROWS, tmp_path))
        process.start()
        running.append(process)
        return process

    yield run
    (tmp_path / "stop").touch()
    for process in running:
        process.join(10)
        process.kill()


def ended(processes, folder):
    """Let reader and writer stop; return what they wrote down."""
    (folder / "stop").touch()
    for process in processes:
        process.join(60)
    (done, failed), stored = (
        json.loads((folder / name).read_text()) for name in ("read.json", "write.json")
    )
    return done, failed, stored


def test_a_rotation_that_is_killed_loses_nothing(rows, start, keys_folder, tmp_path):
    """No read fails, no acknowledged write is lost, and the next run ends what was begun."""
    chance = random.Random(20261122)
    others = [start(rotating.read), start(rotating.write)]
    for _ in range(KILLS):
        rotator = start(rotating.rotate)
        rotator.join(1.0 + chance.uniform(0.0, LATEST))
        assert rotator.exitcode is None, "it ended by itself"
        rotator.kill()
        rotator.join(10)
    keys.load_again()
    rotating.rotate_all()
    done, failed, stored = ended(others, tmp_path)
    print(f"{KILLS} kills, {done} reads, {sum(stored.values())} writes, {len(failed)} failed")

    assert failed == []
    assert done > 50 * KILLS
    assert sum(stored.values()) > 10 * KILLS
    assert [fault for _, told in cells.verify() for fault in told] == []
    for id, version in stored.items():
        email = f"{id}.{version}@site.example"
        assert (rotating.email_of(id), rotating.note_of(id)) == (email, email)
        assert rotating.holders_of(email) == [id]
    old = "SELECT COUNT(*) FROM keys_key WHERE state NOT IN ('active', 'destroyed')"
    assert execute(old).fetchone()[0] == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_rotation_that_deletes_first_loses_reads(rows, start, keys_folder, tmp_path):
    """The judge finds the weak twin guilty."""
    others = [start(rotating.read), start(rotating.write)]
    start(rotating.rotate_weakly).join(60)
    assert (tmp_path / "rotated").exists()
    _, failed, _ = ended(others, tmp_path)

    assert any("Shredded" in one for one in failed)


def test_cells_are_sealed_anew_quickly(db):
    """100,000 in a minute, on one core."""
    rotating.make_table()
    with transaction():
        for id in range(CELLS // 2):
            rotating.add(str(id))
    start = time.monotonic()
    done = sum(rotation.rotate_dek("person", grace=0))  # nobody else is there to be waited for
    done += sum(rotation.rotate_dek("shop:mail", grace=0))
    seconds = time.monotonic() - start
    execute("DROP TABLE proof_person")
    print(f"{done} cells in {seconds:.1f} s")

    assert done == CELLS
    assert seconds <= BAR_SECONDS * CELLS / 100_000
