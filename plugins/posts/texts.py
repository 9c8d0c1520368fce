"""Check a text, and store it: the one way in, for files that are imported and for the editor."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from flask import current_app

from core import BadInput, Conflict, Field, execute, fields_of, insert, new_id, now
from plugins.posts import search
from plugins.posts.frontmatter import FrontMatter, read, split
from plugins.posts.markdown import Rendered, WrongLine, render
from plugins.posts.media import Medium
from plugins.posts.mistakes import BODY, Mistake, mistake_of
from plugins.posts.records import STAMPS, micros

RENDERER = 2
"""Counted up when the same text would be stored otherwise, so that an import renders it anew."""
MOST_LETTERS = 1_000_000
KEPT_FREE = frozenset(
    ["account", "admin", "api", "feed", "login", "me", "signin", "sitemap", "well-known"]
)
"""First words of addresses that are not in use yet, and are no text's either."""
Find = Callable[[str], Medium]
Declared = Callable[[str], Mapping[str, Field]]


@dataclass(frozen=True, slots=True)
class Text:
    """One checked text. `file` is its path in the folder that it came from, or would have."""

    file: str
    source: str
    front: FrontMatter
    rendered: Rendered

    @property
    def digest(self) -> str:
        """Changes with anything that is stored of the text."""
        parts = [RENDERER, self.file, self.source, self.front.slug, self.front.language]
        parts += [astuple(one) for one in self.rendered.media]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    @property
    def cover(self) -> str:
        """The file of the picture above it: the first one that a text uses."""
        return self.rendered.media[0].file if self.front.cover else ""


@dataclass(frozen=True, slots=True)
class Kept:
    """What the database has of a text: its post, the present revision, and how it is shown."""

    post_id: str
    revision_id: str
    digest: str
    state: str
    published: int | None
    withdrawn: int | None


def declared_fields(kind: str) -> dict[str, Field]:
    """Return the fields that plugins give to texts of a kind, by name."""
    return {one.name: one for one in fields_of(kind)}


def check(
    source: str, file: str, find: Find,
    declared: Declared = declared_fields, prefix: str = "",
) -> tuple[Text | None, list[Mistake]]:  # fmt: skip
    """Check a whole text; return it, or all that is wrong with it.

    `find` returns the files that it names; `prefix` is where they are served, if not by the post.
    Addresses that others have are looked for by `address_mistakes`.
    """
    if wrong := unreadable(source):
        return None, [wrong]
    parts, mistakes = split(source)
    if mistakes:
        return None, mistakes
    language = str(current_app.extensions["obolo_languages"][0])
    front, mistakes = read(parts.values, slug_of(Path(file).stem), language, declared)
    prefix = prefix or f"/{front.slug if front else ''}/media/"
    try:
        rendered = render(parts.body, find, prefix, front.cover if front else "")
    except WrongLine as error:
        mistakes.append(mistake_of(error, BODY, error.line + parts.begins - 1))
    except BadInput as error:
        mistakes.append(mistake_of(error, "cover", parts.values["cover"][0]))
    if front is None or mistakes:
        return None, mistakes
    return Text(file, source, front, rendered), []


def unreadable(text: str) -> Mistake | None:
    """Return why a text cannot stand in a page or a feed."""
    if len(text) > MOST_LETTERS:
        return Mistake(BODY, 1, "is longer than a million letters")
    for number, line in enumerate(text.split("\n"), 1):
        if any((one < " " and one not in "\t\r") or one in "\x7f\ufffe\uffff" for one in line):
            return Mistake(BODY, number, "holds a control character")
    return None


def slug_of(name: str) -> str:
    """Make a slug of a name; what cannot be one is refused later, by name."""
    letters = unicodedata.normalize("NFKD", name)
    plain = "".join(one for one in letters if not unicodedata.combining(one))
    return plain.lower().replace(" ", "-").replace("_", "-")


def taken_addresses() -> frozenset[str]:
    """Return the first words of addresses that are the site's own."""
    rules = current_app.url_map.iter_rules()
    return KEPT_FREE | {rule.rule.split("/")[1].partition("<")[0] for rule in rules}


def is_stored(slug: str) -> bool:
    """Tell whether there is a text with this slug, whatever its state."""
    return execute("SELECT 1 FROM posts_post WHERE slug = ?", [slug]).fetchone() is not None


KEPT = """SELECT p.id, p.revision_id, r.digest, p.state, p.published, p.withdrawn
FROM posts_post p JOIN posts_revision r ON r.id = p.revision_id WHERE """


def kept_by_slug(slug: str) -> Kept | None:
    """Return what there is of a text with this slug."""
    row = execute(f"{KEPT} p.slug = ?", [slug]).fetchone()
    return Kept(*row) if row else None


def kept_by_id(post_id: str) -> Kept | None:
    """Return what there is of a post."""
    row = execute(f"{KEPT} p.id = ?", [post_id]).fetchone()
    return Kept(*row) if row else None


def store(text: Text, before: Kept | None, *, by: str = "") -> str:
    """Store a text in the caller's transaction, in place of what was there; return its post's id.

    `before` is what its writer knew of it; `by` is the user who wrote it. Raises Conflict when
    somebody else changed it meanwhile, or took its address.
    """
    post_id = before.post_id if before else new_id("pst")
    revision_id = _store_post(text, before, post_id)
    _store_revision(text, post_id, revision_id, by)
    _store_names("posts_tag", "tag", post_id, text.front.tags)
    _store_names("posts_author", "author", post_id, text.front.authors)
    if before is not None:
        search.forget(post_id)
    if text.front.state == "published":
        search.index(post_id, public_words(text), search.plain(text.rendered.rest))
    return post_id


def _store_post(text: Text, before: Kept | None, post_id: str) -> str:
    front, at, revision_id = text.front, micros(now()), new_id("rev")
    head: dict[str, Any] = {
        "slug": front.slug, "kind": front.kind, "state": front.state,
        "published": micros(front.published) if front.published else None,
        "revision_id": revision_id, "translation_of": front.translation_of or None, "changed": at,
        "withdrawn": _withdrawn(front, before, at),
    }  # fmt: skip
    if before is None:
        new = {"id": post_id, "translations": "[]", "created": at, "asked": None, "reason": ""}
        if not insert("posts_post", {**new, **head}, ignore=True):
            raise Conflict("Another text has the address /{slug} already.", slug=front.slug)
        return revision_id
    columns = ", ".join(f"{name} = ?" for name in head)
    sql = f"UPDATE posts_post SET {columns} WHERE id = ? AND revision_id = ?"  # noqa: S608 - names of this file
    if not execute(sql, [*head.values(), post_id, before.revision_id]).rowcount:
        raise Conflict("Somebody else has changed this text meanwhile.")
    return revision_id


def _withdrawn(front: FrontMatter, before: Kept | None, at: int) -> int | None:
    """Return since when a text that was on the site is there no longer."""
    if front.state == "published" or before is None:
        return None
    was_shown = before.state == "published" and before.published is not None
    return at if was_shown and (before.published or at) < at else before.withdrawn


def public_words(text: Text) -> str:
    """Return the words of a text that everybody may find."""
    front = text.front
    names = " ".join((front.title, front.summary, *front.tags, *front.authors))
    return f"{names} {search.plain(text.rendered.teaser)}"


def _store_revision(text: Text, post_id: str, revision_id: str, by: str) -> None:
    front, rendered = text.front, text.rendered
    insert("posts_revision", {
        "id": revision_id, "post_id": post_id, "digest": text.digest, "file": text.file,
        "language": front.language, "title": front.title, "summary": front.summary,
        "source": text.source, "teaser_html": rendered.teaser, "rest_html": rendered.rest,
        "tags": _json(front.tags), "authors": _json(front.authors),
        "fields": _json(dict(front.fields)), "cover": text.cover,
        "media": _json([astuple(one) for one in rendered.media]), "minutes": rendered.minutes,
        "more_minutes": rendered.more_minutes, "created": micros(now()), "user_id": by,
    })  # fmt: skip


def _store_names(table: str, column: str, post_id: str, names: Iterable[str]) -> None:
    sql = f"DELETE FROM {table} WHERE post_id = ?"  # noqa: S608 - names of this file
    execute(sql, [post_id])
    insert(table, [
        {"post_id": post_id, column: name} for name in sorted({name.casefold() for name in names})
    ])  # fmt: skip


def settle_links() -> None:
    """After texts were stored: let all translations of a text know each other, and ask anew."""
    rows = execute(
        "SELECT p.id, p.slug, p.translation_of, p.state, p.published, r.language, p.translations "
        "FROM posts_post p JOIN posts_revision r ON r.id = p.revision_id ORDER BY p.slug"
    ).fetchall()
    groups: dict[str, list[list[object]]] = {}
    for _, slug, original, state, published, language, _ in rows:
        if state == "published":
            groups.setdefault(original or slug, []).append([language, slug, published])
    for post_id, slug, original, *_, before in rows:
        group = groups.get(original or slug, [])
        linked = _json(group if len(group) > 1 else [])
        if linked != before:
            execute("UPDATE posts_post SET translations = ? WHERE id = ?", [linked, post_id])
    STAMPS.forget()


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
