"""Start what is measured, wait until it answers, weigh it, stop it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.bench import client

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 60


class Server:
    """A process that answers on a port of this machine."""

    def __init__(self, arguments: Sequence[str], port: int, page: str, **variables: str) -> None:
        """Start it and wait for its first page; `seconds` is how long that took."""
        self.port = port
        started = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=ROOT, env=environment(variables), stdout=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            self._wait(page)
        except BaseException:
            self.stop()
            raise
        self.seconds = time.perf_counter() - started

    def _wait(self, page: str) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                client.fetch(self.port, client.request("GET", page))
            except OSError:
                assert self._process.poll() is None, "the server ended before it answered"
                assert time.monotonic() < until, "the server does not answer"
                time.sleep(0.002)
            else:
                return

    def memory(self) -> tuple[float, float]:
        """Return MiB of the worker, and of worker and master together; what they share is split."""
        workers = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        pids = [int(pid) for pid in workers.read_text().split()]
        worker = sum(_proportional(pid) for pid in pids)
        return worker, worker + _proportional(self._process.pid)

    def stop(self) -> None:
        """End it, politely at first."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _proportional(pid: int) -> float:
    found = re.search(r"^Pss: +([0-9]+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)
    assert found is not None
    return int(found[1]) / 1024


@contextmanager
def running(
    arguments: Sequence[str], page: str, **variables: str
) -> Iterator[Server]:
    """Run a server on a free port, which stands as PORT where the arguments name it."""
    port = free_port()
    wanted = [str(port) if argument == "PORT" else argument for argument in arguments]
    server = Server(wanted, port, page, OBOLO_PORT=str(port), **variables)
    try:
        yield server
    finally:
        server.stop()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment without what a shell sets for a site of its own."""
    plain = {name: text for name, text in os.environ.items() if not name.startswith("OBOLO_")}
    plain.pop("PORT", None)
    return {**plain, **variables}
