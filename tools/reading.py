"""Write the line counts of the first reading into docs/start-here.md: `python -m tools.reading`."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "start-here.md"
FIRST_READING = (
    "core/hookspecs.py",
    "core/access.py",
    "core/plugins/caller.py",
    "core/orders/lines.py",
    "core/checkout/ordering.py",
    "core/checkout/paying.py",
    "core/checkout/settling.py",
    "core/payments/facts.py",
    "core/payments/provider.py",
    "core/ledger.py",
    "core/entitlements.py",
)
"""The files that explain Obolo; the page says in which order they are best read."""

ROW = re.compile(r"^(\|[^|]*\| `(core/[^`]+)` \| )[\d,]+( \|)", re.MULTILINE)
TOTAL = re.compile(r"(Together: )[\d,]+( lines)")


def count(name: str) -> int:
    """Return how many lines a file has."""
    return len((ROOT / name).read_text(encoding="utf-8").splitlines())


def counted(page: str) -> str:
    """Return the page with the present counts of its table, and their sum."""
    page = ROW.sub(lambda row: f"{row[1]}{count(row[2])}{row[3]}", page)
    total = sum(count(name) for name in FIRST_READING)
    return TOTAL.sub(lambda match: f"{match[1]}{total:,}{match[2]}", page)


if __name__ == "__main__":
    PAGE.write_text(counted(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
