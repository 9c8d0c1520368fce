"""What differs between two texts, line by line, with a little around each change."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

AROUND = 2
MOST_LINES = 4_000
"""Longer texts are compared without looking for what moved, which would take seconds."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line; its numbers count from 1, and 0 stands for the side that does not have it."""

    kind: Literal["same", "gone", "new", "skipped"]
    before: int
    after: int
    text: str


def rows_between(before: str, after: str) -> list[Row]:
    """Return the lines that went and came, those around them, and where the others are left out."""
    old, new = before.splitlines(), after.splitlines()
    first = _common(old, new)
    last = _common(old[first:][::-1], new[first:][::-1])
    middle = (old[first : len(old) - last], new[first : len(new) - last])
    rows = [Row("same", n, n, text) for n, text in enumerate(old[:first], 1)]
    rows += _changed(*middle, first)
    shift = len(new) - len(old)
    rows += [
        Row("same", n, n + shift, old[n - 1]) for n in range(len(old) - last + 1, len(old) + 1)
    ]
    return _near(rows)


def _common(old: list[str], new: list[str]) -> int:
    return next(
        (n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b),
        min(len(old), len(new)),
    )


def _changed(old: list[str], new: list[str], first: int) -> list[Row]:
    if max(len(old), len(new)) > MOST_LINES:
        steps = [("replace", 0, len(old), 0, len(new))]
    else:
        steps = list(SequenceMatcher(None, old, new, autojunk=False).get_opcodes())
    rows: list[Row] = []
    for kind, a, b, c, d in steps:
        if kind == "equal":
            pairs = zip(range(a, b), range(c, d), strict=True)
            rows += [Row("same", first + x + 1, first + y + 1, old[x]) for x, y in pairs]
        else:
            rows += [Row("gone", first + x + 1, 0, old[x]) for x in range(a, b)]
            rows += [Row("new", 0, first + y + 1, new[y]) for y in range(c, d)]
    return rows


def _near(rows: list[Row]) -> list[Row]:
    """Leave out what lies farther than two lines from every change."""
    changes = [place for place, row in enumerate(rows) if row.kind != "same"]
    near = {at for place in changes for at in range(place - AROUND, place + AROUND + 1)}
    shown: list[Row] = []
    for place, row in enumerate(rows):
        if place in near:
            shown.append(row)
        elif not shown or shown[-1].kind != "skipped":
            shown.append(Row("skipped", 0, 0, ""))
    return shown if changes else []
