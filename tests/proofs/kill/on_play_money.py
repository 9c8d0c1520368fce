"""Play money's own bank, which keeps its log in a file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from plugins.playmoney import bank, server
from plugins.playmoney.signature import api_key
from tests.proofs.kill.bank import SLOW_SECONDS, Happened
from tests.proofs.kill.processes import Child, Say
from tests.proofs.kill.wire import ask

SECRET = "ab" * 32
COLUMNS = "number, kind, ref, reference, id, key, minor, about"


class PlayMoney:
    """`plugins.playmoney.server` in a forked process: the same server, which starts at once."""

    provider = "playmoney"
    holds = True
    fixed: Mapping[str, str] = {"OBOLO_PLAYMONEY__SECRET": SECRET}

    def __init__(self, path: Path) -> None:
        self.path = path
        self.key = api_key(SECRET.encode())

        def live(say: Say) -> None:
            opened = bank.Bank(path, secret=SECRET.encode())
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

    @property
    def environment(self) -> Mapping[str, str]:
        return {"OBOLO_PLAYMONEY__BANK_URL": self.url}

    def after(self, number: int) -> list[Happened]:
        return self._rows("number > ?", [number])

    def of(self, payments: Iterable[str]) -> list[Happened]:
        references = list(payments)
        marks = ", ".join("?" * len(references))
        return self._rows(f"payee = 'site' AND reference IN ({marks})", references)

    def everything(self) -> list[Happened]:
        return self.after(0)

    def _rows(self, where: str, values: list[Any]) -> list[Happened]:
        sql = f"SELECT {COLUMNS} FROM happened WHERE {where} ORDER BY number"
        return [
            Happened(*row, json.loads(about).get("fee", 0), self.provider)
            for *row, about in self._file.execute(sql, values)
        ]

    def messages(self, after: int) -> list[dict[str, Any]]:
        headers = {"Host": "bank", "Authorization": f"Bearer {self.key}"}
        found: list[dict[str, Any]] = ask(
            self.port, "GET", f"/control/deliveries?after={after}", headers
        ).json()
        return found

    def mistakes(self) -> list[str]:
        return []

    def keep(self, folder: Path) -> None:
        with sqlite3.connect(folder / "bank.db") as copy:
            self._file.backup(copy)

    def stop(self) -> None:
        self._file.close()
        self._process.kill()
        for part in self.path.parent.glob(f"{self.path.name}*"):
            part.unlink()
