"""Rows as CSV, which people open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import pytest

from core.sheets import as_csv


def read(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_columns_are_all_that_any_row_has():
    """In the order in which they appear; what a row lacks is empty."""
    assert read(as_csv([{"a": 1}, {"b": "x", "a": None}])) == [
        {"a": "1", "b": ""}, {"a": "None", "b": "x"},
    ]  # fmt: skip


@pytest.mark.parametrize("start", "=+-@\t\r")
def test_what_looks_like_a_formula_is_only_text(start):
    """A stranger chose it; a spreadsheet must not run it (OWASP, CSV Injection)."""
    (row,) = read(as_csv([{"name": f"{start}1+1"}]))

    assert row["name"] == f"'{start}1+1"


@pytest.mark.parametrize("number", [-3, Decimal("-0.20")])
def test_a_number_below_zero_stays_a_number(number):
    """It is no text, so nobody chose it."""
    assert as_csv([{"minor": number}]).splitlines()[1] == str(number)
