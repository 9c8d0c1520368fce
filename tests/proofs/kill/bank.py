"""The bank: a process of its own with a log of its own, which is the only judge of this proof."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

SLOW_SECONDS = 0.02
"""A slow payment is paid, as soon as somebody looks, while the round still goes on."""
NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class Happened:
    """A row of the bank's log: `reference` is the site's payment, `key` the refund it asked for.

    `fee` is what the bank took of a charge, in minor units.
    """

    number: int
    kind: str
    ref: str
    reference: str
    id: str
    key: str
    minor: int
    fee: int
    provider: str

    @property
    def entry(self) -> str:
        """The key under which the site's books must have it."""
        return f"{self.provider}:{'charge' if self.kind == 'charged' else 'refund'}:{self.id}"


class Bank(Protocol):
    """Who takes the money: play money's own bank, or a stand-in for a provider."""

    provider: str
    holds: bool
    fixed: Mapping[str, str]
    url: str
    port: int

    def __init__(self, path: Path) -> None:
        """Start the process; `path` is for its log, if it keeps it in a file."""

    @property
    def environment(self) -> Mapping[str, str]:
        """What tells the site where this very bank is; `fixed` is what is the same for all."""

    def after(self, number: int) -> list[Happened]:
        """Return what happened after a row of the log."""

    def of(self, payments: Iterable[str]) -> list[Happened]:
        """Return all that ever happened to these payments of the site."""

    def everything(self) -> list[Happened]:
        """Return the whole log."""

    def messages(self, after: int) -> list[dict[str, Any]]:
        """Return the messages after a number, signed now: number, event, headers, body."""

    def mistakes(self) -> list[str]:
        """Return what the site asked that the provider's own types do not take."""

    def keep(self, folder: Path) -> None:
        """Copy the log for whoever looks into a fault."""

    def stop(self) -> None:
        """End the process and delete its log."""
