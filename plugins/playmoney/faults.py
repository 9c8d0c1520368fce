"""Trouble on demand: what goes wrong with the bank's next answers."""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from dataclasses import dataclass

OPERATIONS = ("begin", "look_up", "refund", "cancel", "capture", "charge_saved", "forget")
WAYS = ("timeout", "reset", "error", "garbage")
"""No answer at all, a broken connection, a 500, and an answer that makes no sense."""


@dataclass(frozen=True, slots=True)
class Fault:
    """How one answer goes wrong, and whether the bank did what it was asked before."""

    way: str
    done: bool


class Faults:
    """The faults that wait, by operation; each is used once, in the order in which it was set."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[Fault]] = defaultdict(deque)
        self._lock = threading.Lock()

    def add(self, operation: str, way: str, *, done: bool = False, times: int = 1) -> None:
        """Let the next answers to an operation go wrong. Raises ValueError for an unknown word."""
        if operation not in OPERATIONS or way not in WAYS:
            raise ValueError(f"There is no fault “{way}” of “{operation}”.")
        with self._lock:
            self._waiting[operation].extend([Fault(way, done)] * times)

    def take(self, operation: str) -> Fault | None:
        """Return what is to go wrong with this answer."""
        with self._lock:
            waiting = self._waiting[operation]
            return waiting.popleft() if waiting else None

    def clear(self) -> None:
        """Let everything go well again."""
        with self._lock:
            self._waiting.clear()
