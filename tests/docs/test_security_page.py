"""`docs/security.md` is true: each requirement once, each test there, each figure as the code's."""

from __future__ import annotations

import ast
import re
from collections import Counter

import pytest

from core import limits
from core.limits import DAY, HOUR, MINUTE, Limit
from core.people import codes, passwords, roles, sessions, two_factor
from tests.architecture.tree import ROOT

PAGE = (ROOT / "docs" / "security.md").read_text()
ROWS = [
    tuple(cell.strip() for cell in line.strip("|").split("|"))
    for line in PAGE.splitlines()
    if re.match(r"\| V\d", line)
]
CHAPTERS = {
    1: 20,
    2: 11,
    3: 19,
    4: 4,
    5: 9,
    6: 30,
    7: 16,
    8: 7,
    9: 7,
    11: 14,
    12: 8,
    13: 13,
    14: 9,
    15: 13,
    16: 16,
}
"""How many requirements of levels 1 and 2 apply, by chapter."""


def names_in(path: str) -> set[str]:
    """Return the names of the tests in a file."""
    tree = ast.parse((ROOT / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_requirement_that_applies_has_one_row():
    """In order, none twice, none left out."""
    ids = [tuple(map(int, row[0][1:].split("."))) for row in ROWS]

    assert ids == sorted(set(ids))
    assert Counter(id[0] for id in ids) == CHAPTERS
    assert {row[1] for row in ROWS} == {"1", "2"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_row_names_what_is_there(row):
    """A test that exists, a page that exists, or that it is open."""
    _, _, what, how, where = row
    assert what
    assert how
    if where == "open":
        return
    if where.startswith("`"):
        path, _, name = where.strip("`").partition("::")
        assert name in names_in(path), where
        return
    kind, _, place = where.partition(": ")
    page, _, heading = place.partition("#")
    assert kind in ("document", "deployment")
    text = (ROOT / page).read_text()
    assert not heading or f"## {heading.capitalize()}\n" in text


def test_the_sums_are_right():
    """What the page says of itself above the table."""
    kinds = Counter(
        "test" if where.startswith("`") else where.partition(":")[0] for *_, where in ROWS
    )
    said = re.search(
        r"Of the other (\d+), (\d+) have a test, (\d+) a page, (\d+) are the\s+owner's at "
        r"deployment, and (\d+) are open",
        PAGE,
    )

    assert [int(one) for one in said.groups()] == [
        len(ROWS), kinds["test"], kinds["document"], kinds["deployment"], kinds["open"],
    ]  # fmt: skip


def test_the_figures_are_those_of_the_code():
    """Limits of sign-in, codes and sessions."""
    doors = limits.DOORS

    assert (codes.MOST_TRIES, codes.LASTS.seconds, codes.DIGITS) == (5, 15 * 60, 6)
    assert (two_factor.DRIFT, two_factor.STEP_SECONDS) == (1, 30)
    assert doors["second_factor"].account == (
        Limit(5, 5 * MINUTE), Limit(20, HOUR), Limit(50, DAY),
    )  # fmt: skip
    assert doors["sign_in"].account[0] == doors["sign_in"].address[0] == Limit(10, 5 * MINUTE)
    assert doors["code"].account == (Limit(3, 10 * MINUTE), Limit(10, DAY))
    assert (sessions.IDLE.days, sessions.LONGEST.days) == (60, 400)
    assert (sessions.STAFF_IDLE.seconds, sessions.STAFF_LONGEST.days) == (12 * HOUR, 7)
    assert sessions.CONFIRMED_FOR.seconds == 10 * MINUTE
    assert (passwords.LEAST, passwords.LEAST_WITH_SECOND, passwords.LONGEST) == (15, 8, 256)
    assert passwords.GUESSES == 100_000_000
    for role in roles.ROLES:
        assert f"| {role} |" in PAGE
