"""What the demo's closed posts are called, and words that stand only in their paid parts."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "plugins" / "posts" / "demo"


def _closed(language: str) -> str:
    for path in sorted(FOLDER.glob("*.md")):
        head = path.read_text().split("---")[1]
        if "price: 0.20 EUR" in head and f"language: {language}" in head:
            found = re.search(r"^slug:\s*(\S+)", head, re.MULTILINE)
            return found[1] if found else path.stem
    raise LookupError(language)


def _all_closed() -> list[str]:
    found = []
    for path in sorted(FOLDER.glob("*.md")):
        if "price: 0.20 EUR" in path.read_text():
            named = re.search(r"^slug:\s*(\S+)", path.read_text(), re.MULTILINE)
            found.append(named[1] if named else path.stem)
    return found


CLOSED = sorted(_all_closed(), key=lambda slug: slug != _closed("en"))
"""All of them, the first English one first."""
CLOSED_EN, CLOSED_IT = _closed("en"), _closed("it")


@cache
def paid_words(slug: str) -> list[str]:
    """Return plain sentences from behind the `<!-- more -->` of a post."""
    path = next(
        p for p in FOLDER.glob("*.md") if p.stem == slug or f"slug: {slug}" in p.read_text()
    )
    rest = path.read_text().split("<!-- more -->")[1]
    sentences = re.findall(r"(?m)^([A-ZÀ-Ý][\w ,’àèéìòù]{25,60})", rest)
    assert len(sentences) >= 3, path
    return sentences[:5]
