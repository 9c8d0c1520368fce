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
PATIENCE_SECONDS = 180


class Server:
    """A process that answers on a port of this machine."""

    def __init__(self, arguments: Sequence[str], port: int, **variables: str) -> None:
        self.port = port
        self._started = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, "-m", *arguments], cwd=ROOT, env=environment(variables),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def hear(self) -> str:
        """Return the next line that it prints."""
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def let_go_on(self) -> None:
        """Send the line that it waits for."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def wait(self, page: str) -> float:
        """Wait until it answers; return the seconds since it was started."""
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                client.fetch(self.port, client.request("GET", page))
            except OSError:
                assert self._process.poll() is None, "the server ended before it answered"
                assert time.monotonic() < until, "the server does not answer"
                time.sleep(0.002)
            else:
                return time.perf_counter() - self._started

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
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


def _proportional(pid: int) -> float:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(r"^Pss: +([0-9]+) kB", text, re.MULTILINE)
    assert found is not None
    return int(found[1]) / 1024


@contextmanager
def started(arguments: Sequence[str], **variables: str) -> Iterator[Server]:
    """Start a server on a free port, which stands as PORT where the arguments name it."""
    port = free_port()
    wanted = [str(port) if argument == "PORT" else argument for argument in arguments]
    server = Server(wanted, port, OBOLO_PORT=str(port), **variables)
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def one_core() -> Iterator[None]:
    """Keep this process, and whatever it starts meanwhile, on one core."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


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
