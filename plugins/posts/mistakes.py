"""What is wrong in a text, so that it can be told on a command line and beside a field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from core import OboloError, gettext

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
        """Return the reason in the reader's language."""
        return self._filled(str(gettext(self.why)))

    def _filled(self, words: str) -> str:
        return words.format(**self.values) if self.values else words


def mistake_of(error: OboloError, key: str, line: int) -> Mistake:
    """Return the mistake that a check found."""
    return Mistake(key, line, error.message, error.values)


SENTENCES = {
    "title": "Title", "summary": "Summary", "slug": "Address", "language": "Language",
    "published": "Day", "state": "State", "tags": "Tags", "authors": "Authors", "cover": "Cover",
    "translation_of": "Translation of",
}  # fmt: skip
"""How the form calls the values of a text."""


@dataclass(frozen=True, slots=True)
class Told:
    """A mistake for a page: the field that it is about, how that is called, and why, in words."""

    key: str
    label: str
    why: str

    @property
    def beside(self) -> str:
        """The mistake beside its field: a sentence of its own; of the body with its line."""
        words = self.whole if self.key == BODY else self.why
        return words[:1].upper() + words[1:]

    @property
    def whole(self) -> str:
        """The mistake where its field cannot be seen."""
        return f"{self.label}: {self.why}" if self.label else self.why


def told(mistakes: Sequence[Mistake], labels: Mapping[str, str]) -> list[Told]:
    """Return mistakes in the reader's language; `labels` are those of plugins' fields."""
    found = []
    for one in mistakes:
        label = labels.get(one.key, "") or _label(one.key)
        if one.key == BODY:
            label = str(gettext("Text, line %(number)s", number=one.line))
        found.append(Told(one.key, label if one.key else "", one.told()))
    return found


def _label(key: str) -> str:
    return str(gettext(SENTENCES[key])) if key in SENTENCES else ""
