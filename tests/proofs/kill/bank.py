"""The bank: a process of its own with a log of its own, which is the only judge of this proof."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plugins.playmoney import bank, server
from plugins.playmoney.signature import api_key
from tests.proofs.kill.processes import Child, Say

SLOW_SECONDS = 0.02
"""A slow payment is paid while the round still goes on."""
COLUMNS = "number, kind, ref, reference, id, key, minor, about"


@dataclass(frozen=True, slots=True)
class Happened:
    """A row of the bank's log: `reference` is the site's payment, `key` the refund it asked for."""

    number: int
    kind: str
    ref: str
    reference: str
    id: str
    key: str
    minor: int
    about: str

    @property
    def entry(self) -> str:
        """The key under which the site's books must have it."""
        return f"playmoney:{'charge' if self.kind == 'charged' else 'refund'}:{self.id}"


class Bank:
    """`plugins.playmoney.server` in a forked process: the same server, which starts at once."""

    def __init__(self, path: Path, secret: str) -> None:
        self.path = path
        self.key = api_key(secret.encode())

        def live(say: Say) -> None:
            opened = bank.Bank(path, secret=secret.encode())
            opened.log.last()  # makes the file
            serving = server.Server(opened, slow_seconds=SLOW_SECONDS)
            say(port=serving.server_address[1])
            serving.serve_forever()

        self._process = Child(live)
        answer = self._process.hear()
        assert answer is not None, "the bank did not start"
        self.port: int = answer["port"]
        self.url = f"http://127.0.0.1:{self.port}"
        self._file = sqlite3.connect(path, isolation_level=None)

    def after(self, number: int) -> list[Happened]:
        """Return what happened after a row of the log."""
        return self._rows("number > ?", [number])

    def of(self, payments: Iterable[str]) -> list[Happened]:
        """Return all that ever happened to these payments of the site."""
        references = list(payments)
        marks = ", ".join("?" * len(references))
        return self._rows(f"payee = 'site' AND reference IN ({marks})", references)

    def everything(self) -> list[Happened]:
        """Return the whole log."""
        return self.after(0)

    def _rows(self, where: str, values: list[Any]) -> list[Happened]:
        sql = f"SELECT {COLUMNS} FROM happened WHERE {where} ORDER BY number"
        return [Happened(*row) for row in self._file.execute(sql, values)]

    def keep(self, folder: Path) -> None:
        """Copy the log for whoever looks into a fault."""
        with sqlite3.connect(folder / "bank.db") as copy:
            self._file.backup(copy)

    def stop(self) -> None:
        """End the process and delete its log."""
        self._file.close()
        self._process.kill()
        for part in self.path.parent.glob(f"{self.path.name}*"):
            part.unlink()
