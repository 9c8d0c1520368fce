"""A text on the site's real page before anybody else sees it: as a visitor, or as a buyer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flask import Response, g

from core import Access, Reader, admin_page, current_reader, decide, fields_of, now
from plugins.posts import editing
from plugins.posts.editing import Typed, Written
from plugins.posts.mistakes import Mistake, told
from plugins.posts.records import Post, micros
from plugins.posts.texts import Text
from plugins.posts.views import NEVER_KEPT, drawn

FILES = "/admin/media/file/"
BUYER, VISITOR = "buyer", "visitor"


def show(typed: Typed, before: Written | None, audience: str) -> Response:
    """Draw what was typed as readers would see it; nothing is stored, and nobody may keep it."""
    reader = current_reader()
    plain = {**typed, "state": "draft", "date": "", "time": ""}
    text, mistakes = editing.check(plain, before, reader.language, FILES)
    if text is None:
        return _not_yet(mistakes, typed.get("kind", ""), reader.language)
    post = _post(text, before)
    g.posts_previewed = post
    stranger = Reader(language=reader.language, country=reader.country, address=reader.address)
    access = decide(post.resource, stranger)
    audience = BUYER if audience == BUYER else VISITOR
    if audience == BUYER and not access.open:
        access = Access(open=True, held=True)
    response = Response(drawn(post, access, audience))
    response.headers["Cache-Control"] = NEVER_KEPT
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _not_yet(mistakes: Sequence[Mistake], kind: str, language: str) -> Response:
    words = words_for(mistakes, kind, language)
    return admin_page("posts/admin/not_yet.html", 422, **words)


def words_for(mistakes: Sequence[Mistake], kind: str, language: str) -> dict[str, Any]:
    """Return what is wrong, as the pages of those who write show it: in order, and by field."""
    labels = {one.name: one.label.get(language) or one.label["en"] for one in fields_of(kind)}
    found = told(mistakes, labels)
    by_key: dict[str, list[str]] = {}
    for one in found:
        by_key.setdefault(one.key, []).append(one.beside)
    return {"mistakes": found, "wrong": by_key}


def _post(text: Text, before: Written | None) -> Post:
    front, rendered, at = text.front, text.rendered, micros(now())
    published = before.published if before and before.published else at
    post = Post(
        before.id if before else "", front.slug, front.kind, "draft", published, at, (),
        front.language, front.title, front.summary, front.tags, front.authors, front.fields,
        rendered.media, text.cover, rendered.minutes, rendered.more_minutes,
        rendered.teaser, rendered.rest,
    )  # fmt: skip
    return replace(post, media_folder=FILES)
