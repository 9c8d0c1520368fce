"""Posts as they are stored and read. The statements are kept as text: reading is the hot way."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast

from flask import g, has_app_context

from core import InstantField, Query, Recent, ResourceCard, execute, now
from plugins.posts.media import Medium

INSTANTS = InstantField()
STAMPS: Recent[str, tuple[Any, ...]] = Recent()
"""Of the posts that were read within the last second; whoever writes a post forgets them."""
PREFIX = "post:"

LIGHT = (
    "p.id, p.slug, p.kind, p.state, p.published, p.changed, p.translations, r.language, r.title, "
    "r.summary, r.tags, r.authors, r.fields, r.media, r.cover, r.minutes, r.more_minutes"
)
JOINED = "FROM posts_post p JOIN posts_revision r ON r.id = p.revision_id"
SEALED = f"""SELECT {LIGHT}, r.teaser_html, r.rest_html, p.withdrawn {JOINED} WHERE p.slug = ?"""
FIND = f"SELECT {LIGHT}, r.teaser_html, r.rest_html {JOINED} WHERE p.slug = ?"
STAMP = "SELECT id, changed, state, published, translations FROM posts_post WHERE slug = ?"
STAMP_OF_ALL = """SELECT COUNT(*), MAX(changed), MAX(published) FROM posts_post
WHERE state = 'published' AND published <= ?"""
CARD = f"SELECT {LIGHT}, p.withdrawn {JOINED} WHERE p.slug = ?"
SHOWN = "p.state = 'published' AND p.published <= ?"
ORDER = "ORDER BY p.published DESC, p.id DESC LIMIT ? OFFSET ?"
LIST = f"SELECT {LIGHT} {JOINED} WHERE p.kind = 'post' AND {SHOWN} {ORDER}"
FEED = f"SELECT {LIGHT}, r.teaser_html {JOINED} WHERE p.kind = 'post' AND {SHOWN} {ORDER}"
TAGGED = f"""SELECT {LIGHT} {JOINED} JOIN posts_tag t ON t.post_id = p.id
WHERE t.tag = ? AND p.kind = 'post' AND {SHOWN} {ORDER}"""
WRITTEN = f"""SELECT {LIGHT} {JOINED} JOIN posts_author a ON a.post_id = p.id
WHERE a.author = ? AND p.kind = 'post' AND {SHOWN} {ORDER}"""
PAGES = f"SELECT {LIGHT} {JOINED} WHERE p.kind = 'page' AND {SHOWN} ORDER BY r.title"
EVERY = f"SELECT {LIGHT} {JOINED} WHERE {SHOWN} {ORDER}"
CARDS = f"""SELECT {LIGHT} {JOINED} WHERE {SHOWN} AND (? = '' OR p.kind = ?)
AND (? = '' OR r.language = ?)
AND (? = '' OR EXISTS (SELECT 1 FROM posts_tag t WHERE t.post_id = p.id AND t.tag = ?)) {ORDER}"""  # noqa: S608 - names of this file
ALL = f"SELECT {LIGHT} {JOINED} ORDER BY p.created, p.slug"


def micros(at: datetime) -> int:
    """Return an instant as the tables keep it."""
    return cast("int", INSTANTS.db_value(at))


@dataclass(frozen=True, slots=True)
class Translation:
    """The same text in another language; `published` is in microseconds since 1970."""

    language: str
    slug: str
    published: int


@dataclass(frozen=True, slots=True)
class Post:
    """A post or page as its present revision has it; the texts are empty where only listed.

    `published` and `changed` are in microseconds since 1970, UTC.
    """

    id: str
    slug: str
    kind: str
    state: str
    published: int | None
    changed: int
    translations: tuple[Translation, ...]
    language: str
    title: str
    summary: str
    tags: tuple[str, ...]
    authors: tuple[str, ...]
    fields: Mapping[str, str]
    media: tuple[Medium, ...]
    cover: str
    minutes: int
    more_minutes: int
    teaser: str = ""
    rest: str = ""
    media_folder: str = ""

    @property
    def resource(self) -> str:
        """What gates know it by."""
        return PREFIX + self.slug

    @property
    def url(self) -> str:
        """Its path on this site."""
        return f"/{self.slug}"

    @property
    def published_at(self) -> datetime | None:
        """Since when it can be read."""
        return INSTANTS.python_value(self.published)

    @property
    def changed_at(self) -> datetime:
        """When it was changed last."""
        return cast("datetime", INSTANTS.python_value(self.changed))

    @property
    def cover_medium(self) -> Medium | None:
        """The picture above the text."""
        return next((one for one in self.media if one.file == self.cover), None)

    def media_url(self, medium: Medium) -> str:
        """Return where one of its files is served."""
        return self.media_prefix + medium.name

    @property
    def media_prefix(self) -> str:
        """Return what the addresses of its files begin with; a preview's lie elsewhere."""
        return self.media_folder or f"/{self.slug}/media/"

    def is_shown(self, at: datetime) -> bool:
        """Tell whether it is published, and its time has come."""
        return (
            self.state == "published"
            and self.published is not None
            and self.published <= micros(at)
        )

    def card(self) -> ResourceCard:
        """Return what everybody may know of it."""
        return ResourceCard(
            self.resource, self.kind, self.title, self.url, self.language, self.summary, self.tags,
            self.authors, self.published_at, self.fields,
        )  # fmt: skip


def post_of(row: Sequence[Any]) -> Post:
    """Read a row of one of the statements above."""
    return Post(
        row[0], row[1], row[2], row[3], row[4], row[5],
        tuple(Translation(*one) for one in json.loads(row[6])), row[7], row[8], row[9],
        tuple(json.loads(row[10])), tuple(json.loads(row[11])), json.loads(row[12]),
        tuple(Medium(*one) for one in json.loads(row[13])), *row[14:19],
    )  # fmt: skip


def find(slug: str) -> Post | None:
    """Return a post that is shown now, with its texts, by one statement."""
    row = execute(FIND, (slug,)).fetchone()
    post = post_of(row) if row else None
    return post if post is not None and post.is_shown(now()) else None


def find_unshown(slug: str) -> tuple[Post, bool] | None:
    """Return a post whatever its state, for who holds it, and whether it was withdrawn."""
    row = execute(SEALED, (slug,)).fetchone()
    return (post_of(row), row[19] is not None) if row else None


def stamp_of(slug: str) -> tuple[Any, ...] | None:
    """Return what changes whenever the page of a post that is shown now would: the hot statement.

    That is the post's last change, and which of its translations are shown; a change made
    in another process counts after a second.
    """
    row = STAMPS.get(slug, lambda: execute(STAMP, (slug,)).fetchone())
    at = micros(now())
    if row is None or row[2] != "published" or row[3] is None or row[3] > at:
        return None
    others = "" if row[4] == "[]" else [one[1] for one in json.loads(row[4]) if one[2] <= at]
    return row[0], row[1], tuple(others)


def stamp_of_all() -> tuple[Any, ...]:
    """Return what changes whenever a list of posts would: their number and last change."""
    return tuple(execute(STAMP_OF_ALL, (micros(now()),)).fetchone())


def find_card(resource: str) -> ResourceCard | None:
    """Return the card of a post that is shown now; of the one that this request previews, its own.

    A withdrawn one keeps title and address for those who hold it, and nothing that could be sold.
    """
    if not resource.startswith(PREFIX):
        return None
    previewed: Post | None = g.get("posts_previewed") if has_app_context() else None
    if previewed is not None and previewed.resource == resource:
        return previewed.card()
    row = execute(CARD, (resource.removeprefix(PREFIX),)).fetchone()
    if row is None:
        return None
    post = post_of(row[:17])
    if post.is_shown(now()):
        return post.card()
    return replace(post, fields={}, tags=()).card() if row[17] is not None else None


def newest(limit: int, skip: int = 0) -> list[Post]:
    """Return the posts that are shown now, newest first; pages are not listed."""
    return _listed(LIST, [micros(now()), limit, skip])


def for_feed(limit: int) -> list[Post]:
    """Return the newest posts with their teasers, and nothing of what follows them."""
    return _listed(FEED, [micros(now()), limit, 0])


def tagged(tag: str, limit: int, skip: int = 0) -> list[Post]:
    """Return the posts with a tag, in whatever case it is written."""
    return _listed(TAGGED, [tag.casefold(), micros(now()), limit, skip])


def written_by(author: str, limit: int, skip: int = 0) -> list[Post]:
    """Return the posts of an author, in whatever case the name is written."""
    return _listed(WRITTEN, [author.casefold(), micros(now()), limit, skip])


def pages() -> list[Post]:
    """Return the pages that are shown now, by title."""
    return _listed(PAGES, [micros(now())])


def posts_and_pages(limit: int) -> list[Post]:
    """Return all that is shown now, pages too, newest first."""
    return _listed(EVERY, [micros(now()), limit, 0])


def matching(query: Query) -> list[Post]:
    """Return what is shown now and has this kind, tag and language, newest first."""
    kind, tag, language = query.kind, query.tag.casefold(), query.language
    sought = [kind, kind, language, language, tag, tag]
    return _listed(CARDS, [micros(now()), *sought, query.limit, 0])


def everything() -> list[Post]:
    """Return all posts and pages, drafts too, in the order in which they came."""
    return _listed(ALL, [])


def _listed(sql: str, parameters: Sequence[Any]) -> list[Post]:
    return [post_of(row) for row in execute(sql, parameters).fetchall()]
