"""Shapes of charts, worked out by hand."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.web.charts import HEIGHT, WIDTH, columns, funnel, lines, waterfall

amounts = st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=40)


def test_columns_stack_upwards_and_hang_downwards():
    """What was given back on a day hangs below nothing, and hides nothing."""
    plot = columns(["a", "b"], {"Tips": [20, 0], "Posts": [20, -10]}, str)
    tips, posts, back = plot.shapes

    assert plot.ys == ("40", "30", "20", "10", "0", "-10")
    assert plot.zero == HEIGHT * 4 / 5
    assert (tips.y, tips.height) == (HEIGHT * 2 / 5, HEIGHT * 2 / 5)
    assert (posts.y, posts.height) == (0, HEIGHT * 2 / 5)
    assert (back.y, back.height) == (plot.zero, HEIGHT / 5)
    assert (posts.series, posts.says) == (2, "a · Posts: 20")
    assert back.x > WIDTH / 2


@given(amounts, amounts)
def test_no_shape_leaves_the_field(one, other):
    """Whatever the figures are, the scale holds them and has nothing among its marks."""
    size = min(len(one), len(other))
    rows = {"a": one[:size], "b": other[:size]}
    plot = columns([str(i) for i in range(size)], rows, str)
    line = lines([str(i) for i in range(size)], list(rows.values()), str)
    points = [tuple(map(float, p.split(","))) for row in line.lines for p in row.split()]
    marks = [int(mark) for mark in plot.ys]

    assert all(0 <= s.y <= s.y + s.height <= HEIGHT + 0.02 for s in plot.shapes)
    assert all(s.x >= 0 and s.x + s.width <= WIDTH + 0.02 for s in plot.shapes)
    assert all(0 <= x <= WIDTH + 0.02 and 0 <= y <= HEIGHT for x, y in points)
    assert 0 in marks
    assert 2 <= len(marks) <= 9
    assert len({a - b for a, b in pairwise(marks)}) == 1


def test_an_empty_chart_has_a_scale():
    """Before anything was sold."""
    plot = columns(["a"], {}, str)

    assert plot.shapes == ()
    assert plot.ys == ("1", "0")
    assert lines([], [], str).lines == ()


def test_few_of_many_days_are_written_below():
    """The first, the last and what lies between at even steps."""
    labels = [str(i) for i in range(1, 31)]

    assert columns(labels, {}, str).xs == ("1", "8", "15", "23", "30")
    assert columns(labels[:3], {}, str).xs == ("1", "2", "3")


def test_a_waterfall_ends_at_its_total():
    """Each step begins where the one before ended, also below nothing."""
    bars = waterfall([
        ("Gross", 100, "1", "total"), ("Fees", -30, "2", "taken"), ("Back", -90, "3", "taken"),
        ("Net", -20, "4", "total"),
    ])  # fmt: skip
    ends = [(bar.start, bar.start + bar.length) for bar in bars]

    assert ends == [(167, 1000), (750, 1000), (0, 750), (0, 167)]
    assert [bar.look for bar in bars] == ["total", "taken", "taken", "total"]


@pytest.mark.parametrize("first", [0, 50])
def test_a_funnel_says_which_part_goes_on(first):
    """A step that nobody took stops no page."""
    bars = funnel([("Seen", first, "s"), ("Tapped", 10, "t"), ("Paid", 0, "p")], str)

    assert [bar.note for bar in bars] == ["", "0.2" if first else "", "0.0"]
    assert [bar.length for bar in bars] == ([1000, 200, 0] if first else [0, 1000, 0])
