"""Small files can be read; these limits are meant to be felt."""

from __future__ import annotations

import ast

import pytest

from tests.architecture.tree import name_of, parsed, sources
from tools.reading import FIRST_READING, PAGE, count, counted

FILES = sources("core", "plugins", "tools", "tests")
LONGEST_FILE, LONGEST_FUNCTION, FIRST_READING_LINES = 400, 60, 1_400
LONGER = {
    "tests/core/checkout/test_paying.py": "paying, ways and looking again, with every bad answer",
    "tests/core/test_http.py": "every way in which the other end can misbehave",
    "tests/core/test_ledger.py": "every rule of the books, on one page",
    "tests/core/test_mail.py": "the outbox, and every way in which a mail server can answer",
    "tests/core/test_tasks.py": "both queues, threads, workers and the clock",
    "tests/proofs/test_webhooks.py": "a proof stands beside its weak twin",
}
"""Files that may be longer, each with its reason; the list is meant to stay empty."""


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_file_and_its_functions_can_be_read(path):
    """At most 400 lines a file and 60 a function."""
    if name_of(path) in LONGER:
        return
    long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno - node.lineno + 1 > LONGEST_FUNCTION
    ]

    assert len(path.read_text().splitlines()) <= LONGEST_FILE
    assert not long


def test_every_exception_is_still_needed():
    """A file that became short again leaves the list."""
    assert all(count(name) > LONGEST_FILE for name in LONGER)


def test_the_first_reading_is_short():
    """What must be read to know the house fits into one sitting."""
    assert sum(map(count, FIRST_READING)) <= FIRST_READING_LINES


def test_the_reading_order_gives_the_present_counts():
    """docs/start-here.md names every file of the first reading; `python -m tools.reading`."""
    page = PAGE.read_text()

    assert counted(page) == page
    assert all(page.count(f"| `{name}` | {count(name)} |") == 1 for name in FIRST_READING)
