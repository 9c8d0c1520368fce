"""The bank's file is shared: by forked processes, by new ones, and by one that was killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from plugins.playmoney.bank import Bank
from tests.plugins.playmoney.bank_process import ROOT, bank_process

RACE = """
import os, sys
from contextlib import suppress
from pathlib import Path
from core import Money
from plugins.playmoney.bank import Bank, BankRefused, Wish

folder, opened_before = Path(sys.argv[1]), sys.argv[2] == "opened"
bank = Bank(folder / "bank.db")
wish = Wish(payee="site", key="k", reference="k", minor=100, currency="EUR", description="",
            return_url="http://localhost/")
if opened_before:
    bank.begin(wish)
children = []
for number in range(8):
    child = os.fork()
    if not child:
        with suppress(BankRefused):
            bank.pay(bank.begin(wish).ref, "pay")
        with suppress(BankRefused):
            bank.refund("site", "k", f"r{number}", Money(30, "EUR"))
        assert len(bank.secret) == 32
        os._exit(0)
    children.append(child)
assert {os.waitpid(child, 0)[1] for child in children} == {0}
report = bank.find("site", "k")
print(len(bank.charges()), len(report.refunds), report.left, len(bank.log.read("kind = 'opened'")))
"""


def race(folder: Path, opened: str) -> list[str]:
    """Let eight forked processes pay and refund one payment; return what the bank then knows."""
    command = [sys.executable, "-c", RACE, str(folder), opened]
    return subprocess.run(
        command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=60
    ).stdout.split()


def test_processes_that_race_make_one_charge(tmp_path: Path) -> None:
    """Eight that open a new file at once charge once, and give back what is there."""
    assert race(tmp_path, "new") == ["1", "3", "10", "1"]


def test_a_forked_process_does_not_use_its_parents_connection(tmp_path: Path) -> None:
    """The same, when the parent had the file open before it forked."""
    assert race(tmp_path, "opened") == ["1", "3", "10", "1"]


def test_what_was_answered_outlives_a_kill(tmp_path: Path) -> None:
    """A bank that is killed knows afterwards whatever it had answered."""
    with bank_process(tmp_path, "--webhooks", "hold") as process:
        wish = {
            "payee": "site", "key": "k", "reference": "k", "minor": 20, "currency": "EUR",
            "description": "Hello", "return_url": "http://localhost/",
        }  # fmt: skip
        ref = process.ask("POST", "/v1/payments", wish)[1]["ref"]
        assert process.choose(ref, "pay") == 303
        process.process.kill()
    bank = Bank(tmp_path / "bank.db")

    assert [(row.ref, row.minor) for row in bank.charges()] == [(ref, 20)]
    bank.log.close()
