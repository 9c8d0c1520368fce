"""The server is killed while it sells; nothing is lost, nothing is booked twice."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.proof


def prove(state, *arguments):
    """Run the proof in a process of its own: whoever forks may have no threads."""
    command = [sys.executable, "-m", "tests.proofs.kill", "--state", str(state), *arguments]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_twenty_kills_lose_nothing_and_double_nothing(database, tmp_path):
    """After each restart the books and entitlements are what the bank's log says."""
    done = prove(tmp_path, "--database", database, "--kills", "20", "--weak", "0")

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"playmoney on {database}: 20 kills" in done.stdout
    assert "lost 0, doubled 0, faults 0" in done.stdout
    charges = re.search(r"(\d+) charges", done.stdout)
    assert charges, done.stdout
    assert int(charges[1]) > 0


def test_the_weak_twin_is_caught(tmp_path):
    """A site with a new key for each try, which settles piece by piece, loses and doubles."""
    done = prove(tmp_path, "--database", "sqlite", "--kills", "0", "--weak", "100")

    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(r"weak twin: caught within \d+ kills: lost (\d+), doubled (\d+)", done.stdout)
    assert found, done.stdout + done.stderr
    assert int(found[1]) + int(found[2]) > 0


def test_an_interrupted_run_goes_on_from_its_counts(tmp_path):
    """Counts are kept after each verified database, and a run with the same target adds to them."""
    prove(tmp_path, "--database", "sqlite", "--kills", "2", "--weak", "0")
    file = tmp_path / "kill-playmoney-sqlite.json"
    file.write_text(file.read_text().replace('"target": 2', '"target": 3'))
    done = prove(tmp_path, "--database", "sqlite", "--kills", "3", "--weak", "0")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "going on after 2 of 3 kills" in done.stdout
    assert "playmoney on sqlite: 3 kills" in done.stdout


@pytest.mark.parametrize("provider", ["stripe", "paypal"])
def test_kills_of_a_site_that_sells_by_a_provider_lose_nothing(provider, tmp_path):
    """The stand-in is a process of its own and the judge."""
    done = prove(
        tmp_path, "--provider", provider, "--kills", "6", "--kills-postgres", "3", "--weak", "0"
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{provider} on sqlite: 6 kills" in done.stdout
    assert f"{provider} on postgres: 3 kills" in done.stdout
    assert done.stdout.count("lost 0, doubled 0, faults 0") == 2


def test_the_weak_twin_of_a_site_that_sells_by_a_provider_is_caught(tmp_path):
    """By the stand-in's own books, too; `make proof ARGS='--provider paypal'` asks the other."""
    weak = ("--database", "sqlite", "--kills", "0", "--weak", "150")
    caught = prove(tmp_path, "--provider", "stripe", *weak)

    assert caught.returncode == 0, caught.stdout + caught.stderr
    assert "weak twin: caught within" in caught.stdout
