"""What differs between two texts: enough to follow, and nothing more."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from plugins.posts.differences import MOST_LINES, rows_between

lines = st.lists(st.sampled_from("abc"), max_size=12)


@given(lines, lines)
def test_the_lines_that_went_and_came_make_one_text_of_the_other(old, new):
    """Applying them to the first text gives the second, and their numbers are right."""
    rows = rows_between("\n".join(old), "\n".join(new))
    gone = {row.before for row in rows if row.kind == "gone"}
    came = {row.after: row.text for row in rows if row.kind == "new"}

    assert all(old[row.before - 1] == row.text for row in rows if row.before)
    assert all(new[row.after - 1] == row.text for row in rows if row.after)
    kept = iter([text for number, text in enumerate(old, 1) if number not in gone])
    made = [came[number] if number in came else next(kept) for number in range(1, len(new) + 1)]
    assert made == new


def test_what_lies_far_from_a_change_is_left_out():
    """Two lines around it are shown; texts that are the same differ in nothing."""
    old = [str(number) for number in range(100)]
    rows = rows_between("\n".join(old), "\n".join([*old[:50], "new", *old[50:]]))

    assert [row.kind for row in rows] == ["skipped", *["same"] * 2, "new", *["same"] * 2, "skipped"]
    assert rows_between("same\ntext", "same\ntext") == []


def test_a_very_long_text_is_compared_at_once():
    """Where looking for what moved would take seconds, all of the middle goes and comes."""
    many = MOST_LINES + 1
    rows = rows_between("x\n" * many, "y\n" * many)

    assert sum(row.kind == "gone" for row in rows) == many
