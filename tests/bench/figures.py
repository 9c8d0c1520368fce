"""What was measured, as a line of `bench.json` and of the table."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import geometric_mean, median

Turn = Callable[[], float]
"""Does a number of things and returns how many a second it did."""


@dataclass(frozen=True, slots=True)
class Figure:
    """Ours beside the floor; `ratio` is ours by the floor, and `aim` what it should reach."""

    name: str
    ours: float
    floor: float
    unit: str
    aim: str = ""

    @property
    def ratio(self) -> float:
        """Ours by the floor: for a rate more is better, for a cost less."""
        return self.ours / self.floor

    def line(self) -> str:
        """Return the figure's line of `bench.json`."""
        fields = {"name": self.name, "ours": round(self.ours, 4), "floor": round(self.floor, 4)}
        return json.dumps({**fields, "ratio": round(self.ratio, 4), "unit": self.unit})


def take_turns(turns: Mapping[str, Turn], rounds: int) -> dict[str, float]:
    """Run all turns one after the other, so many rounds, and return what is usual for each."""
    rates: dict[str, list[float]] = {name: [] for name in turns}
    for number in range(rounds + 1):
        names = list(turns) if number % 2 else list(reversed(turns))
        for name in names:
            rate = turns[name]()
            if number:  # the first round warms everything up
                rates[name].append(rate)
    return usual(rates)


def usual(rates: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Return the median of each, where all have one rate from each round.

    A shared machine is half as fast now and then, for a second or so. So what counts is how fast
    something was beside the others of the same round.
    """
    paces = [geometric_mean(some) for some in zip(*rates.values(), strict=True)]
    return {
        name: median(paces) * median(rate / pace for rate, pace in zip(some, paces, strict=True))
        for name, some in rates.items()
    }


def write(figures: Sequence[Figure], path: Path) -> None:
    """Write one JSON object a line."""
    path.write_text("".join(f"{figure.line()}\n" for figure in figures))


def table(figures: Sequence[Figure]) -> str:
    """Return the figures for a person."""
    width = max(len(figure.name) for figure in figures)
    head = f"{'':{width}}  {'ours':>10}  {'floor':>10}  {'ratio':>6}  unit"
    lines = [
        f"{one.name:{width}}  {_short(one.ours):>10}  {_short(one.floor):>10}  {one.ratio:6.2f}  "
        f"{one.unit}{f'  (aim {one.aim})' if one.aim else ''}"
        for one in figures
    ]
    return "\n".join([head, *lines])


def _short(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.2f}"
