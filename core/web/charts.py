"""Charts as data: shapes on a field that stretches, words beside it, so that text keeps its size.

`core/templates/admin/charts.html` draws them as SVG with classes for colours, and puts the table of
the same figures behind each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 1000, 200
GAP = 0.22
"""The part of a column that stays empty, so that columns can be told apart."""
STEPS, QUARTERS = (4, 8, 12, 16, 20, 24, 32, 40, 60, 80, 100), 4
"""Where a scale may end, times a power of ten: a quarter of it is a whole number, too."""
MARKS = 5
"""The most days that are written below a chart."""
Write = Callable[[int], str]


@dataclass(frozen=True, slots=True)
class Shape:
    """A rectangle of a series, which says what it stands for."""

    x: float
    y: float
    width: float
    height: float
    series: int
    says: str


@dataclass(frozen=True, slots=True)
class Plot:
    """Rectangles and lines on the field; `zero` is the height at which nothing stands.

    `ys` are the words of the scale from top to bottom, `xs` those below, from left to right.
    """

    shapes: tuple[Shape, ...]
    lines: tuple[str, ...]
    zero: float
    ys: tuple[str, ...]
    xs: tuple[str, ...]
    width: int = WIDTH
    height: int = HEIGHT


@dataclass(frozen=True, slots=True)
class Bar:
    """One row of bars that lie: from `start`, `length` long, in thousandths of the widest."""

    label: str
    text: str
    start: int
    length: int
    look: str = ""
    note: str = ""


def columns(labels: Sequence[str], series: Mapping[str, Sequence[int]], write: Write) -> Plot:
    """Stack series in columns, one a label; what is below nothing hangs down."""
    above = [sum(max(0, row[i]) for row in series.values()) for i in range(len(labels))]
    below = [sum(min(0, row[i]) for row in series.values()) for i in range(len(labels))]
    scale = _scale([*above, *below])
    wide = WIDTH / max(1, len(labels))
    shapes = []
    for place, label in enumerate(labels):
        up = down = 0
        for number, (name, row) in enumerate(series.items(), 1):
            value = row[place]
            if not value:
                continue
            base = up if value > 0 else down
            top, bottom = (scale.height(end(base, base + value)) for end in (max, min))
            shapes.append(Shape(
                round((place + GAP / 2) * wide, 2), top, round(wide * (1 - GAP), 2),
                round(bottom - top, 2), number, f"{label} · {name}: {write(value)}",
            ))  # fmt: skip
            up, down = (up + value, down) if value > 0 else (up, down + value)
    return Plot(tuple(shapes), (), scale.height(0), scale.words(write), _xs(labels))


def lines(labels: Sequence[str], rows: Sequence[Sequence[int]], write: Write) -> Plot:
    """Draw rows of as many values as labels as lines, the first one last, so that it lies above."""
    scale = _scale([value for row in rows for value in row])
    wide = WIDTH / max(1, len(labels) - 1)
    drawn = tuple(
        " ".join(f"{round(i * wide, 2)},{scale.height(v)}" for i, v in enumerate(row))
        for row in rows
    )
    return Plot((), drawn, scale.height(0), scale.words(write), _xs(labels))


def waterfall(steps: Sequence[tuple[str, int, str, str]]) -> list[Bar]:
    """Let amounts follow each other: (label, amount, text, look); `total` looks start at nothing.

    An amount below nothing takes away from where the one before ended.
    """
    ends, at = [], 0
    for _, amount, _, look in steps:
        start, at = (0, amount) if look == "total" else (at, at + amount)
        ends.append((min(start, at), max(start, at)))
    least, most = min(0, *(low for low, _ in ends)), max(1, *(high for _, high in ends))
    whole = most - least
    return [
        Bar(label, text, _thousandth(low - least, whole), _thousandth(high - low, whole), look)
        for (label, _, text, look), (low, high) in zip(steps, ends, strict=True)
    ]


def funnel(steps: Sequence[tuple[str, int, str]], note: Callable[[float], str]) -> list[Bar]:
    """Show how many come from each step to the next: (label, number, text).

    The note of a step says which part of the one before came so far.
    """
    most = max(1, *(number for _, number, _ in steps))
    bars, before = [], 0
    for label, number, text in steps:
        said = note(number / before) if before else ""
        bars.append(Bar(label, text, 0, _thousandth(number, most), "", said))
        before = number
    return bars


def _thousandth(part: int, whole: int) -> int:
    return round(1000 * part / whole)


@dataclass(frozen=True, slots=True)
class _Scale:
    """From `low` to `high` by marks that are `step` apart; nothing is always one of them."""

    low: int
    high: int
    step: int

    def height(self, value: int) -> float:
        return round(HEIGHT * (self.high - value) / (self.high - self.low), 2)

    def words(self, write: Write) -> tuple[str, ...]:
        return tuple(write(value) for value in range(self.high, self.low - 1, -self.step))


def _scale(values: Iterable[int]) -> _Scale:
    """Return a scale that people can read and that holds all values, by quarters of its end."""
    least, most = min(0, 0, *values), max(0, 0, *values)
    end = _round_up(max(most, -least))
    step = end // QUARTERS
    low = step * (least // step)
    return _Scale(low, -(-most // step) * step if most or low else step, step)


def _round_up(value: int) -> int:
    power = int(10 ** max(0, len(str(value)) - 2))
    return next(step * power for step in STEPS if step * power >= value)


def _xs(labels: Sequence[str]) -> tuple[str, ...]:
    if len(labels) <= MARKS:
        return tuple(labels)
    last = len(labels) - 1
    return tuple(labels[round(last * i / (MARKS - 1))] for i in range(MARKS))
