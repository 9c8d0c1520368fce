"""All texts as those who write see them: drafts, what waits, what is to come, what is gone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core import Asked, execute, now, times_sold
from plugins.posts.records import PREFIX, micros

STANDINGS: Mapping[str, str] = {
    "draft": "p.state = 'draft' AND p.withdrawn IS NULL",
    "waiting": "p.state = 'draft' AND p.asked IS NOT NULL",
    "scheduled": "p.state = 'published' AND p.published > ?",
    "published": "p.state = 'published' AND p.published <= ?",
    "withdrawn": "p.withdrawn IS NOT NULL",
}
"""What each standing means; one that asks for an instant asks for now."""
ORDERS: Mapping[str, str] = {
    "": "p.changed DESC, p.id DESC",
    "published": "COALESCE(p.published, 0) DESC, p.id DESC",
    "title": "LOWER(r.title), p.id",
}
LIST = """SELECT p.id, p.slug, p.kind, p.state, p.published, p.withdrawn, p.asked, p.changed,
r.title, r.language, r.fields, r.authors
FROM posts_post p JOIN posts_revision r ON r.id = p.revision_id
WHERE (? = '' OR p.kind = ?) AND (? = '' OR LOWER(r.title) LIKE ? ESCAPE '!'
OR p.slug LIKE ? ESCAPE '!' OR LOWER(r.authors) LIKE ? ESCAPE '!') AND {standing}
ORDER BY {order} LIMIT ? OFFSET ?"""


@dataclass(frozen=True, slots=True)
class Row:
    """A text in the list; instants are microseconds since 1970, `sold` counts what was given."""

    id: str
    slug: str
    kind: str
    standing: str
    published: int | None
    asked: bool
    changed: int
    title: str
    language: str
    price: str
    authors: tuple[str, ...]
    sold: int


def find(asked: Asked) -> list[Row]:
    """Return the texts that an address asks for."""
    standing = STANDINGS.get(asked["state"], "1 = 1")
    sql = LIST.format(standing=standing, order=ORDERS.get(asked["sort"], ORDERS[""]))
    plain = asked["q"].casefold().replace("!", "!!").replace("%", "!%").replace("_", "!_")
    words = f"%{plain}%"
    at = micros(now())
    values: list[object] = [asked["kind"], asked["kind"], asked["q"], words, words, words]
    values += [at] * standing.count("?") + [asked.limit, asked.offset]
    rows = execute(sql, values).fetchall()
    sold = times_sold([PREFIX + row[1] for row in rows])
    return [_row(row, at, sold[PREFIX + row[1]]) for row in rows]


def waiting() -> int:
    """Return how many drafts wait for an editor."""
    sql = "SELECT COUNT(*) FROM posts_post WHERE state = 'draft' AND asked IS NOT NULL"
    return int(execute(sql).fetchone()[0])


def originals(post_id: str) -> list[tuple[str, str]]:
    """Return address and title of the texts that another one may be a translation of."""
    sql = (
        "SELECT p.slug, r.title FROM posts_post p JOIN posts_revision r ON r.id = p.revision_id "
        "WHERE p.translation_of IS NULL AND p.id <> ? ORDER BY p.changed DESC LIMIT 200"
    )
    return [(row[0], row[1]) for row in execute(sql, [post_id]).fetchall()]


def _row(row: Sequence[object], at: int, sold: int) -> Row:
    id, slug, kind, state, published, withdrawn, asked, changed, *texts = row
    title, language, fields, names = texts
    standing = "withdrawn" if withdrawn else "draft"
    if state == "published":
        standing = "scheduled" if isinstance(published, int) and published > at else "published"
    price = json.loads(str(fields)).get("price", "")
    authors = tuple(json.loads(str(names)))
    return Row(
        str(id), str(slug), str(kind), standing, published, asked is not None, changed,  # type: ignore[arg-type]
        str(title), str(language), price, authors, sold,
    )  # fmt: skip
