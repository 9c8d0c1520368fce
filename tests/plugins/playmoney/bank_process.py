"""The bank as a process of its own, for tests: started, asked over HTTP, and ended."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from core.http import request
from plugins.playmoney.signature import api_key

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class BankProcess:
    """A running bank: its address, and what it shares with sites."""

    url: str
    secret: bytes
    process: subprocess.Popen[str]

    def ask(self, method: str, path: str, sent: object = None) -> tuple[int, Any]:
        """Ask over HTTP and return status and answer."""
        answer = request(
            method, self.url + path, hosts={self.url.removeprefix("http://")},
            headers={"Authorization": f"Bearer {api_key(self.secret)}"},
            body=None if sent is None else msgspec.json.encode(sent),
        )  # fmt: skip
        return answer.status, answer.json()

    def control(self, path: str, **sent: object) -> Any:
        """Let the bank do something that only a test wants; what it refuses does nothing."""
        return self.ask("POST", f"/control/{path}", sent)[1]

    def choose(self, ref: str, how: str) -> int:
        """Choose a button on the bank's page, as a browser does; return the status."""
        host = self.url.removeprefix("http://")
        form = f"how={how}".encode()
        return request("POST", f"{self.url}/pay/{ref}", hosts={host}, body=form).status


@contextmanager
def bank_process(folder: Path, *options: str) -> Iterator[BankProcess]:
    """Run a bank whose log and secret lie in a folder, until the end of the block."""
    command = [
        sys.executable, "-m", "plugins.playmoney.server", "--log", str(folder / "bank.db"),
        "--secret-file", str(folder / "secret"), *options,
    ]  # fmt: skip
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        assert port, "the bank did not start"
        secret = (folder / "secret").read_bytes().strip()
        yield BankProcess(f"http://127.0.0.1:{port}", secret, process)
    finally:
        process.terminate()
        process.communicate(timeout=10)
