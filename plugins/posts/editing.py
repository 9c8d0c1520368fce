"""Writing in the browser: the fields of the form, and the text that they make."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from pathlib import PurePath
from typing import Any

from core import BadInput, Field, Money, NotFound, execute, is_ordered, now, site_currency
from plugins.posts import shelf, texts
from plugins.posts.frontmatter import KEYS, LONGEST_SLUG, compose, split
from plugins.posts.media import Medium
from plugins.posts.mistakes import BODY, Mistake
from plugins.posts.records import INSTANTS, PREFIX
from plugins.posts.texts import Find, Kept, Text

PLAIN = ("title", "summary", "slug", "language", "tags", "authors", "translation_of", "cover")
"""What the form sends as it stands in the front matter, on one line."""
STATES = ("draft", "published", "scheduled")
Typed = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Written:
    """A text as it is stored, for those who write; instants are microseconds since 1970."""

    id: str
    slug: str
    kind: str
    state: str
    published: int | None
    withdrawn: int | None
    reason: str
    asked: int | None
    revision: str
    digest: str
    file: str
    source: str
    title: str
    language: str
    media: tuple[Medium, ...]
    saved: int
    user: str

    @property
    def resource(self) -> str:
        """What gates and entitlements know it by."""
        return PREFIX + self.slug

    @property
    def published_at(self) -> datetime | None:
        """Since when it can be read, or could."""
        return INSTANTS.python_value(self.published)

    @property
    def kept(self) -> Kept:
        """What storing a newer one must still find."""
        return Kept(self.id, self.revision, self.digest, self.state, self.published, self.withdrawn)

    @property
    def standing(self) -> str:
        """Whether it is a draft, scheduled, published or withdrawn."""
        if self.state == "draft":
            return "withdrawn" if self.withdrawn else "draft"
        at = self.published_at
        return "scheduled" if at is not None and at > now() else "published"


FIND = """SELECT p.id, p.slug, p.kind, p.state, p.published, p.withdrawn, p.reason, p.asked,
r.id, r.digest, r.file, r.source, r.title, r.language, r.media, r.created, r.user_id
FROM posts_post p JOIN posts_revision r ON r.{join} WHERE {where}"""
PRESENT = FIND.format(join="id = p.revision_id", where="p.id = ?")
EARLIER = FIND.format(join="post_id = p.id", where="p.id = ? AND r.id = ?")


def find(post_id: str, revision: str = "") -> Written:
    """Return a text as it is now, or as one of its revisions had it. Raises NotFound."""
    sql, values = (EARLIER, [post_id, revision]) if revision else (PRESENT, [post_id])
    row = execute(sql, values).fetchone()
    if row is None:
        raise NotFound("There is no such text.")
    fields: list[Any] = list(row)
    fields[14] = tuple(Medium(*one) for one in json.loads(row[14]))
    return Written(*fields)


def typed_of(form: Mapping[str, str]) -> dict[str, str]:
    """Return what a browser sent: one kind of line end, and no field that is not the form's."""
    typed = {key: form.get(key, "").strip() for key in (*PLAIN, "state", "date", "time", "kind")}
    typed |= {key: text.strip() for key, text in form.items() if key.startswith("field-")}
    body = form.get("body", "").replace("\r\n", "\n").replace("\r", "\n")
    return {**typed, "base": form.get("base", ""), "body": body}


def typed_from(written: Written, language: str) -> dict[str, str]:
    """Return the fields of the form for a stored text; amounts as a language writes them."""
    parts, _ = split(written.source)
    values = {key: text for key, (_, text) in parts.values.items()}
    typed = {key: values.get(key, "") for key in PLAIN}
    at = written.published_at
    typed |= {
        "kind": written.kind, "slug": written.slug, "language": written.language,
        "state": "scheduled" if written.standing == "scheduled" else written.state,
        "date": at.strftime("%Y-%m-%d") if at else "", "time": at.strftime("%H:%M") if at else "",
        "base": written.revision, "body": parts.body,
    }  # fmt: skip
    for name, field in texts.declared_fields(written.kind).items():
        if name in values:
            typed[f"field-{name}"] = shown_value(field, values[name], language)
            typed[f"field-{name}-on"] = "yes"
    return typed


def shown_value(field: Field, text: str, language: str) -> str:
    """Return a field's value as a person types it: of money the bare amount."""
    if field.kind != "money":
        return text
    try:
        return Money.read(text).typed(language)
    except BadInput:
        return text


def source_of(
    typed: Typed, before: Written | None, language: str
) -> tuple[str, int, list[Mistake]]:
    """Return the text that a form makes, the line before its body, and what is wrong already."""
    mistakes: list[Mistake] = []
    stored = _stored_values(before)
    values = {key: typed.get(key, "") for key in PLAIN}
    values["slug"] = _slug(typed)
    implied = {"slug": texts.slug_of(PurePath(_file(typed, before)).stem)}
    implied |= {"language": before.language} if before else {}
    values |= {
        key: "" for key, text in implied.items() if key not in stored and values[key] == text
    }
    at = _published(typed, before, mistakes)
    is_same = before is not None and at is not None and at == before.published_at
    values["published"] = stored.get("published", "") if is_same else _written_instant(at)
    values["state"] = "draft" if at and typed.get("state") == "draft" else ""
    values["kind"] = "page" if typed.get("kind") == "page" else ""
    values |= _further(typed, before, language, mistakes)
    order = dict.fromkeys((*stored, *KEYS, *values))
    ordered = {key: values[key] for key in order if values.get(key)}
    body = typed.get("body", "")
    end = "\n" if before is None and not body.endswith("\n") else ""
    return compose(ordered, body + end), len(ordered) + 2, mistakes


def _stored_values(before: Written | None) -> dict[str, str]:
    if before is None:
        return {}
    parts, _ = split(before.source)
    return {key: text for key, (_, text) in parts.values.items()}


def _written_instant(at: datetime | None) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z") if at else ""


def _slug(typed: Typed) -> str:
    """Return the slug that was typed, else one made of the title."""
    plain = re.sub(r"[^a-z0-9]+", "-", texts.slug_of(typed.get("title", ""))).strip("-")
    return typed.get("slug", "") or plain[:LONGEST_SLUG].strip("-")


def _file(typed: Typed, before: Written | None) -> str:
    """Return the file that the text came from, or would be written to."""
    return before.file if before else f"{_slug(typed)}.md"


def _published(typed: Typed, before: Written | None, mistakes: list[Mistake]) -> datetime | None:
    """Return since when the text can be read, as the form says; UTC."""
    state, day, hour = typed.get("state", ""), typed.get("date", ""), typed.get("time", "")
    if state not in STATES:
        mistakes.append(Mistake("state", 1, "must be one of {allowed}: “{text}”",
                                {"allowed": ", ".join(STATES), "text": state}))  # fmt: skip
    try:
        at = datetime.combine(
            datetime.fromisoformat(day).date(), time.fromisoformat(hour or "00:00"), UTC
        ) if day else None  # fmt: skip
    except ValueError:
        typed_date = {"text": f"{day} {hour}".strip()}
        mistakes.append(Mistake("published", 1, "is no date: “{text}”", typed_date))
        return None
    known = before.published_at if before else None
    if at and known and at == known.replace(second=0, microsecond=0):
        at = known
    is_ahead = at is not None and at > now()
    if state == "scheduled" and not is_ahead:
        mistakes.append(Mistake("published", 1, "must lie in the future, to be scheduled"))
    if state == "published" and is_ahead and at != known:
        mistakes.append(Mistake("published", 1, "lies in the future, so schedule the text instead"))
    is_now = state == "published" and (at is None or is_ahead)
    return now().replace(microsecond=0) if is_now else at


def _further(
    typed: Typed, before: Written | None, language: str, mistakes: list[Mistake]
) -> dict[str, str]:
    """Return the values of plugins' fields; those whose plugin is off stay as they are stored."""
    declared = texts.declared_fields(typed.get("kind") or "post")
    values = strange_values(before, declared)
    was = typed_from(before, language) if before else {}
    for name, field in declared.items():
        text, is_on = typed.get(f"field-{name}", ""), bool(typed.get(f"field-{name}-on"))
        if field.kind == "bool":
            values[name] = "yes" if is_on else ""
        elif field.kind == "money" and is_on and not text:
            mistakes.append(Mistake(name, 1, "is missing"))
        elif field.kind == "money" and text and not is_on and text != was.get(f"field-{name}"):
            mistakes.append(Mistake(name, 1, "is filled in, but not switched on"))
        elif field.kind == "money":
            values[name] = _amount(text, language) if is_on else ""
        else:
            values[name] = text
    return values


def strange_values(before: Written | None, declared: Mapping[str, Field]) -> dict[str, str]:
    """Return the stored values that no enabled plugin declares."""
    known = (*KEYS, *declared)
    return {key: text for key, text in _stored_values(before).items() if key not in known}


def _amount(text: str, language: str) -> str:
    try:
        return str(Money.parse(text, site_currency(), language))
    except BadInput:
        return text  # a word such as `free`; the field's own check has the last word


def check(
    typed: Typed, before: Written | None, language: str, prefix: str = "",
    media: Sequence[Medium] = (),
) -> tuple[Text | None, list[Mistake]]:  # fmt: skip
    """Check what was typed; return the text, or all that is wrong. A body's lines count from 1.

    `prefix` is where its files are served, if not by the post; `media` are further files of it.
    """
    source, above, mistakes = source_of(typed, before, language)
    declared = texts.declared_fields(typed.get("kind") or "post")
    strange = {name: Field(name, "text", {}) for name in strange_values(before, declared)}
    file = _file(typed, before)
    find = finder((*(before.media if before else ()), *media), file)
    text, further = texts.check(source, file, find, lambda _: {**declared, **strange}, prefix)
    mistakes += [
        replace(one, line=max(1, one.line - above)) if one.key == BODY else one for one in further
    ]
    return (None, mistakes) if mistakes else (text, [])


def finder(known: Sequence[Medium], file: str) -> Find:
    """Return what finds the files that a text names: those it has, then those of the list."""
    own = {one.file: replace(one, public=False) for one in known}

    def find(target: str) -> Medium:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(file), target))
        if found := own.get(path):
            return found
        try:
            return shelf.find(target).medium
        except NotFound:
            raise BadInput("there is no file “{file}” in the media list", file=target) from None

    return find


def address_mistakes(text: Text, before: Written | None) -> list[Mistake]:
    """Return why a text cannot have its address: somebody else's, or one that was sold is left."""
    slug, other = text.front.slug, text.front.translation_of
    mistakes = []
    if slug in texts.taken_addresses():
        mistakes.append(
            Mistake("slug", 1, "the address /{slug} is taken by the site itself", {"slug": slug})
        )
    kept = texts.kept_by_slug(slug)
    if kept is not None and (before is None or kept.post_id != before.id):
        mistakes.append(
            Mistake("slug", 1, "another text has the address /{slug} already", {"slug": slug})
        )
    if before is not None and slug != before.slug and (stays := why_slug_stays(before)):
        mistakes.append(stays)
    if other and (other == slug or not texts.is_stored(other)):
        mistakes.append(
            Mistake("translation_of", 1, "names “{slug}”, which is not there", {"slug": other})
        )
    return mistakes


def why_slug_stays(written: Written) -> Mistake | None:
    """Return why the address of a text cannot change; None when it can."""
    slug = {"slug": written.slug}
    if is_ordered(written.resource):
        return Mistake(
            "slug", 1, "stays /{slug}: readers have bought the text under this address", slug
        )
    if is_named(written.slug):
        return Mistake("slug", 1, "stays /{slug}: a translation names it", slug)
    return None


def is_named(slug: str) -> bool:
    """Tell whether another text says that it is a translation of this one."""
    sql = "SELECT 1 FROM posts_post WHERE translation_of = ?"
    return execute(sql, [slug]).fetchone() is not None
