"""What stands above a text: lines of `key: value` between two lines of `---`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Literal, cast

from core import BadInput, Field
from plugins.posts.mistakes import Mistake, mistake_of

FENCE = "---"
LINE = re.compile(r"([A-Za-z_][A-Za-z0-9_-]*)\s*:\s*(.*)")
SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
LONGEST_SLUG = 80
KEYS = (
    "title", "slug", "kind", "language", "published", "state", "tags", "authors", "summary",
    "cover", "translation_of",
)  # fmt: skip
FieldsOf = Callable[[str], Mapping[str, Field]]


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """What its author says of a text. `published` is in UTC; None means a draft."""

    title: str
    slug: str
    kind: Literal["post", "page"] = "post"
    language: str = "en"
    state: Literal["draft", "published"] = "draft"
    published: datetime | None = None
    tags: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    summary: str = ""
    cover: str = ""
    translation_of: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Parts:
    """A text taken apart: its values by key with their line; the body, and where it begins."""

    values: Mapping[str, tuple[int, str]]
    body: str
    begins: int = 1


def split(text: str) -> tuple[Parts, list[Mistake]]:
    """Return the parts of a text, and what is wrong with the lines above its body."""
    lines = text.split("\n")
    if lines[0].rstrip() != FENCE or FENCE not in [line.rstrip() for line in lines[1:]]:
        why = "the front matter is missing; it stands between lines of ---"
        return Parts({}, text), [Mistake("", 1, why)]
    end = [line.rstrip() for line in lines].index(FENCE, 1)
    values: dict[str, tuple[int, str]] = {}
    wrong = []
    for number, line in enumerate(lines[1:end], 2):
        if not line.strip() or line.startswith("#"):
            continue
        match = LINE.fullmatch(line.strip())
        if match is None:
            why = "“{text}” is not “key: value”"
            wrong.append(Mistake("", number, why, {"text": line.strip()}))
        elif match[1] in values:
            wrong.append(Mistake(match[1], number, "stands here a second time"))
        else:
            values[match[1]] = (number, _unquoted(match[2].strip()))
    return Parts(values, "\n".join(lines[end + 1 :]), end + 2), wrong


def compose(values: Mapping[str, str], body: str) -> str:
    """Write a text whose parts `split` finds again; a value that is empty is left out."""
    lines = [f"{key}: {_quoted(' '.join(text.split()))}" for key, text in values.items() if text]
    return "\n".join([FENCE, *lines, FENCE, body])


def read(
    values: Mapping[str, tuple[int, str]], slug: str, language: str, fields_of: FieldsOf
) -> tuple[FrontMatter | None, list[Mistake]]:
    """Check all values; return them and what is wrong, each with its line.

    `slug` and `language` hold where the values name none; `fields_of` returns the further fields
    that plugins declare for a kind.
    """
    wrong: list[Mistake] = []

    def taken(key: str, check: Callable[[str], object], otherwise: str = "") -> object:
        number, text = values.get(key, (1, otherwise))
        try:
            return check(text)
        except BadInput as error:
            wrong.append(mistake_of(error, key, number))
            return None

    kind = taken("kind", _one_of("post", "page"), "post") or "post"
    fields = fields_of(cast("str", kind))
    wrong += _unknown(values, fields)
    read = {
        "title": taken("title", _needed),
        "slug": taken("slug", _slug, slug),
        "kind": kind,
        "language": taken("language", _language, language),
        "published": taken("published", instant),
        "state": taken("state", _one_of("draft", "published", ""), ""),
        "tags": taken("tags", _names),
        "authors": taken("authors", _names),
        "summary": taken("summary", str),
        "cover": taken("cover", str),
        "translation_of": taken("translation_of", lambda text: text and _slug(text)),
        "fields": {name: values[name][1] for name in fields if name in values},
    }
    for name in fields:
        if name in values:
            taken(name, fields[name].check)
    if read["state"] == "published" and not read["published"]:
        why = "is published, but “published” does not say since when"
        wrong.append(Mistake("state", 1, why))
    if wrong:
        return None, wrong
    if not read["state"]:
        read["state"] = "published" if read["published"] else "draft"
    return FrontMatter(**read), []  # type: ignore[arg-type]


def instant(text: str) -> datetime | None:
    """Read a date or an instant in ISO 8601, UTC where it names no zone; empty is None."""
    if not text:
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(
            "is no date such as 2026-11-22 or 2026-11-22T09:30: “{text}”", text=text
        ) from None
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


def _unknown(values: Mapping[str, tuple[int, str]], fields: Mapping[str, Field]) -> list[Mistake]:
    known = [*KEYS, *fields]
    wrong = []
    for key, (number, _) in values.items():
        if key not in known:
            near = get_close_matches(key.lower(), known, 1)
            why = "there is no key “{key}”; " + (
                "did you mean “{near}”?" if near else "known are {near}"
            )
            hint = {"key": key, "near": near[0] if near else ", ".join(known)}
            wrong.append(Mistake("", number, why, hint))
    return wrong


def _unquoted(text: str) -> str:
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    return text


def _quoted(text: str) -> str:
    return text if _unquoted(text) == text else f'"{text}"'


def _needed(text: str) -> str:
    if not text:
        raise BadInput("is missing")
    return text


def _slug(text: str) -> str:
    if not SLUG.fullmatch(text) or len(text) > LONGEST_SLUG:
        raise BadInput(
            "must be small letters, digits and single hyphens, at most {most}: “{text}”",
            most=LONGEST_SLUG, text=text,
        )  # fmt: skip
    return text


def _language(text: str) -> str:
    if not LANGUAGE.fullmatch(text):
        raise BadInput("is no code such as en, it or pt-BR: “{text}”", text=text)
    return text


def _names(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(" ".join(one.split()) for one in text.split(",") if one.strip()))
    if any("/" in name for name in names):
        raise BadInput("cannot hold a slash, because it becomes an address")
    return names


def _one_of(*allowed: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if text not in allowed:
            raise BadInput(
                "must be one of {allowed}: “{text}”",
                allowed=", ".join(filter(None, allowed)), text=text,
            )  # fmt: skip
        return text

    return check
