"""Read a folder of Markdown: check all of it, then store what changed, in one transaction."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import astuple, dataclass
from functools import cache
from pathlib import Path

from flask import current_app

from core import BadInput, Field, execute, fields_of, insert, new_id, now, transaction
from plugins.posts import media, search
from plugins.posts.frontmatter import FrontMatter, read, split
from plugins.posts.markdown import Rendered, render
from plugins.posts.media import Medium
from plugins.posts.records import STAMPS, micros

RENDERER = 1
"""Counted up when the same text would be stored otherwise, so that an import renders it anew."""
MOST_LETTERS = 1_000_000
KEPT_FREE = frozenset(
    ["account", "admin", "api", "feed", "login", "me", "signin", "sitemap", "well-known"]
)
"""First words of addresses that are not in use yet, and are no text's either."""


@dataclass(frozen=True, slots=True)
class Text:
    """One checked file. `file` is its path in the folder."""

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


@dataclass(frozen=True, slots=True)
class Result:
    """How many texts an import made, changed, and found as they were."""

    made: int
    changed: int
    same: int


def import_folder(folder: Path) -> Result:
    """Import all Markdown files below a folder. Raises BadInput that names every mistake found.

    Nothing is stored unless all files are right. What is not in the folder stays as it is.
    """
    texts, files = _check_all(folder)
    with transaction():
        for name, content in files.items():
            media.keep(name, content)
        outcomes = [_store(text) for text in texts]
        _link_translations()
        STAMPS.forget()
    return Result(*(outcomes.count(one) for one in ("made", "changed", "same")))


def _check_all(folder: Path) -> tuple[list[Text], dict[str, bytes]]:
    if not folder.is_dir():
        raise BadInput("There is no folder {folder}.", folder=folder)
    wrong: list[str] = []
    texts: list[Text] = []
    files: dict[str, bytes] = {}
    declared = cache(lambda kind: {one.name: one for one in fields_of(kind)})
    for path in sorted(folder.rglob("*.md")):
        text, errors = _check(folder, path.relative_to(folder).as_posix(), declared, files)
        wrong += errors
        texts += [text] if text else []
    wrong += _check_slugs(texts)
    if wrong:
        raise BadInput("Nothing was imported:\n{errors}", errors="\n".join(wrong))
    return texts, files


def _check(
    folder: Path, file: str, declared: Callable[[str], Mapping[str, Field]], files: dict[str, bytes]
) -> tuple[Text | None, list[str]]:
    """Check one file; its pictures are added to `files`."""
    try:
        source = _readable((folder / file).read_bytes())
    except BadInput as error:
        return None, [f"{file}: {error}"]
    values, body, wrong = split(source)
    if not wrong:
        language = str(current_app.extensions["obolo_languages"][0])
        front, wrong = read(values, _slug_of(file), language, declared)
    if wrong:
        return None, [f"{file}: {one}" for one in wrong]
    assert front is not None

    def find(target: str) -> Medium:
        medium, content = media.examine(folder, file, target)
        files[medium.name] = content
        return medium

    try:
        rendered = render(body, find, f"/{front.slug}/media/", front.cover)
    except BadInput as error:
        return None, [f"{file}: {error}"]
    return Text(file, source, front, rendered), []


def _readable(content: bytes) -> str:
    """Return a file's text. Raises BadInput for what cannot stand in a page or a feed."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise BadInput("is not written in UTF-8") from None
    if len(text) > MOST_LETTERS:
        raise BadInput("is longer than a million letters")
    for number, line in enumerate(text.split("\n"), 1):
        if any((one < " " and one not in "\t\r") or one in "\x7f\ufffe\uffff" for one in line):
            raise BadInput("line {number}: holds a control character", number=number)
    return text


def _slug_of(file: str) -> str:
    """Make a slug of a file's name; what cannot be one is refused later, by name."""
    stem = unicodedata.normalize("NFKD", Path(file).stem)
    plain = "".join(one for one in stem if not unicodedata.combining(one))
    return plain.lower().replace(" ", "-").replace("_", "-")


def _check_slugs(texts: Iterable[Text]) -> list[str]:
    taken = KEPT_FREE | {
        rule.rule.split("/")[1].partition("<")[0] for rule in current_app.url_map.iter_rules()
    }
    by_slug: dict[str, str] = {}
    wrong = []
    for text in texts:
        slug = text.front.slug
        if slug in taken:
            wrong.append(f"{text.file}: the address /{slug} is taken by the site itself")
        elif slug in by_slug:
            wrong.append(f"{text.file}: the slug “{slug}” is also that of {by_slug[slug]}")
        by_slug.setdefault(slug, text.file)
    for text in texts:
        other = text.front.translation_of
        if other and other not in by_slug and not _is_stored(other):
            wrong.append(f"{text.file}: “translation_of” names “{other}”, which is not there")
    return wrong


def _is_stored(slug: str) -> bool:
    return execute("SELECT 1 FROM posts_post WHERE slug = ?", [slug]).fetchone() is not None


def _store(text: Text) -> str:
    """Store a text if it is new or was changed; say which."""
    front, at = text.front, micros(now())
    row = execute(
        "SELECT p.id, r.digest FROM posts_post p JOIN posts_revision r ON r.id = p.revision_id "
        "WHERE p.slug = ?", [front.slug],
    ).fetchone()  # fmt: skip
    if row is not None and row[1] == text.digest:
        return "same"
    post_id, revision_id = (row[0] if row else new_id("pst")), new_id("rev")
    published = micros(front.published) if front.published else None
    head = {
        "kind": front.kind, "state": front.state, "published": published,
        "revision_id": revision_id, "translation_of": front.translation_of or None, "changed": at,
    }  # fmt: skip
    if row is None:
        same = {"id": post_id, "slug": front.slug, "translations": "[]", "created": at}
        insert("posts_post", {**same, **head})
    else:
        columns = ", ".join(f"{name} = ?" for name in head)
        sql = f"UPDATE posts_post SET {columns} WHERE id = ?"  # noqa: S608 - names of this file
        execute(sql, [*head.values(), post_id])
    _store_revision(text, post_id, revision_id, at)
    _store_names("posts_tag", "tag", post_id, front.tags)
    _store_names("posts_author", "author", post_id, front.authors)
    if row is not None:
        search.forget(post_id)
    if front.state == "published":
        names = " ".join((front.title, front.summary, *front.tags, *front.authors))
        public = f"{names} {search.plain(text.rendered.teaser)}"
        search.index(post_id, public, search.plain(text.rendered.rest))
    return "changed" if row else "made"


def _store_revision(text: Text, post_id: str, revision_id: str, at: int) -> None:
    front, rendered = text.front, text.rendered
    cover = rendered.media[0].file if front.cover else ""  # the first file that a text uses
    insert("posts_revision", {
        "id": revision_id, "post_id": post_id, "digest": text.digest, "file": text.file,
        "language": front.language, "title": front.title, "summary": front.summary,
        "source": text.source, "teaser_html": rendered.teaser, "rest_html": rendered.rest,
        "tags": _json(front.tags), "authors": _json(front.authors),
        "fields": _json(dict(front.fields)), "cover": cover,
        "media": _json([astuple(one) for one in rendered.media]), "minutes": rendered.minutes,
        "more_minutes": rendered.more_minutes, "created": at,
    })  # fmt: skip


def _store_names(table: str, column: str, post_id: str, names: Iterable[str]) -> None:
    sql = f"DELETE FROM {table} WHERE post_id = ?"  # noqa: S608 - names of this file
    execute(sql, [post_id])
    insert(table, [
        {"post_id": post_id, column: name} for name in sorted({name.casefold() for name in names})
    ])  # fmt: skip


def _link_translations() -> None:
    """Let all translations of a text know each other: readers are shown the other languages."""
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


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
