"""Named places on the way of the money where a process may die.

On a site nothing happens here. The kill proof sets `arrive` to a function that ends the process,
so that a crash at exactly this place can be repeated.
"""

from __future__ import annotations

from collections.abc import Callable


def _pass_by(_name: str) -> None:
    """Do nothing: a site does not stop here."""


arrive: Callable[[str], None] = _pass_by


def crashpoint(name: str) -> None:
    """Say that the process has reached the place called `name`."""
    arrive(name)
