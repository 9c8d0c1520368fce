"""What is wrong in a text, so that it can be told on a command line and beside a field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from core import BadInput, gettext

BODY = "body"


@dataclass(frozen=True, slots=True)
class Mistake:
    """Where something is wrong, and why.

    `key` names a value of the front matter, `body` the text below it; empty is the text as a whole.
    `line` counts from 1; of the body, within it. `why` is English, and the key of its translation.
    """

    key: str
    line: int
    why: str
    values: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        named = f"“{self.key}” " if self.key not in ("", BODY) else ""
        return f"line {self.line}: {named}{self._filled(self.why)}"

    def told(self) -> str:
        """Return the reason as a sentence in the reader's language."""
        words = self._filled(str(gettext(self.why)))
        return words[:1].upper() + words[1:]

    def _filled(self, words: str) -> str:
        return words.format(**self.values) if self.values else words


def mistake_of(error: BadInput, key: str, line: int) -> Mistake:
    """Return the mistake that a check found."""
    return Mistake(key, line, error.message, error.values)
