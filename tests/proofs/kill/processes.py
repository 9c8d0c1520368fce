"""Children by fork: they die with their parent, and say what they have done through a pipe."""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

PATIENCE_SECONDS = 60
"""How long a child may keep its parent waiting before it counts as hung."""
DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)
_libc = ctypes.CDLL(None)

Say = Callable[..., None]


class Hung(Exception):
    """A child neither spoke nor died in time."""


class Child:
    """A forked process. The parent must have no threads and no open connection when it forks."""

    def __init__(self, live: Callable[[Say], None]) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        self._hears, speaks = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._hears)
            _live(live, speaks)
        os.close(speaks)
        self._pidfd = os.pidfd_open(self.pid)
        self._buffer = b""
        self._status: int | None = None

    def hear(self, seconds: float = PATIENCE_SECONDS) -> dict[str, Any] | None:
        """Return the next thing that the child says; None when it died first. Raises Hung."""
        end = time.monotonic() + seconds
        while b"\n" not in self._buffer:
            ready, _, _ = select.select([self._hears], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                raise Hung
            piece = os.read(self._hears, 65536)
            if not piece:
                return None
            self._buffer += piece
        line, _, self._buffer = self._buffer.partition(b"\n")
        return json.loads(line)

    def died_within(self, seconds: float) -> bool:
        """Wait for the child's death, so many seconds at most."""
        return bool(select.select([self._pidfd], [], [], max(0.0, seconds))[0])

    def kill(self) -> int:
        """End the child by SIGKILL, if it still lives, and return its status."""
        if self._status is None:
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        return self.bury()

    def bury(self) -> int:
        """Wait for the child's end and return its status as the system tells it."""
        if self._status is None:
            _, self._status = os.waitpid(self.pid, 0)
            os.close(self._pidfd)
            os.close(self._hears)
        return self._status


def _live(live: Callable[[Say], None], speaks: int) -> NoReturn:
    """Be the child; never return into the parent's code, and close nothing of the parent's."""
    _libc.prctl(DIE_WITH_PARENT, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)

    def say(**said: Any) -> None:
        os.write(speaks, json.dumps(said).encode() + b"\n")

    status = 0
    try:
        live(say)
    except BaseException:  # noqa: BLE001 - nothing may pass into the parent's code
        traceback.print_exc()
        status = 1
    os._exit(status)
