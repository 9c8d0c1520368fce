"""Find words, whatever their accents and case, without telling what is behind a gate.

Each text is indexed twice: its public part, and all of it. What is found in the public part is
shown to everybody. What is found only in the whole is shown to readers for whom it is open, after
the former and by date: so neither number nor order of what others see depends on paid text.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from markupsafe import Markup, escape

from core import Reader, decide, execute, insert, is_postgres, now
from plugins.posts import directives, records
from plugins.posts.records import JOINED, LIGHT, SHOWN, Post, micros, post_of

WORD = re.compile(r"[^\W_]+")
MOST_WORDS, MOST_LETTERS = 8, 40
MOST_SHOWN = 30
SNIPPET_BEFORE, SNIPPET_LETTERS = 60, 220
BLOCK_END = re.compile(r"</(?:p|h[2-6]|li|blockquote|td|th|figcaption|pre|dt|dd)>|<br>")

SQLITE_MATCH = "posts_search.words MATCH ?"
POSTGRES_MATCH = "posts_search.words @@ CAST(? AS tsquery)"
SEARCH = f"""SELECT {LIGHT} {JOINED}
JOIN posts_search ON posts_search.post_id = p.id
WHERE {{match}} AND posts_search.part = ? AND {SHOWN} ORDER BY p.published DESC, p.id DESC"""


@dataclass(frozen=True, slots=True)
class Hit:
    """A post that was found, with a piece of text that this reader may see."""

    post: Post
    snippet: Markup


@lru_cache(maxsize=8192)
def folded(word: str) -> str:
    """Return a word without case and accents: `Caffè` is `caffe`."""
    plain = unicodedata.normalize("NFKD", word.casefold())
    return "".join(one for one in plain if not unicodedata.combining(one))


def words_of(text: str) -> list[str]:
    """Return the folded words of a text, in order; what folding splits is several words."""
    whole = unicodedata.normalize("NFC", text)
    return [part for word in WORD.findall(whole) for part in WORD.findall(folded(word))]


def plain(stored: str) -> str:
    """Return the bare text of stored HTML, without its directives."""
    spaced = BLOCK_END.sub(" ", directives.without(stored))
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", spaced)).split())


def index(post_id: str, public: str, rest: str) -> None:
    """Index a text that is not in the index, in the caller's transaction."""
    for part, text in (("public", public), ("whole", f"{public} {rest}")):
        words = " ".join(dict.fromkeys(word[:MOST_LETTERS] for word in words_of(text)))
        insert("posts_search", {"post_id": post_id, "part": part, "words": words})


def forget(post_id: str) -> None:
    """Take a text out of the index."""
    execute("DELETE FROM posts_search WHERE post_id = ?", [post_id])


def find_public(text: str) -> list[Post]:
    """Return the posts and pages whose public part has all these words, best first."""
    words = words_of(text)[:MOST_WORDS]
    found = _found(words, "public")
    return sorted(found, key=lambda post: _rank(post, words))  # stable: newest first within a rank


def find(text: str, reader: Reader) -> list[Hit]:
    """Return what this reader may know to hold all these words, at most MOST_SHOWN."""
    words = words_of(text)[:MOST_WORDS]
    shown = find_public(text)[:MOST_SHOWN]
    hits = [Hit(post, snippet(_text_of(post, whole=False), words)) for post in shown]
    public = {post.id for post in shown}
    for post in _found(words, "whole") if len(hits) < MOST_SHOWN else []:
        if len(hits) == MOST_SHOWN:
            break
        if post.id not in public and decide(post.resource, reader).open:
            hits.append(Hit(post, snippet(_text_of(post, whole=True), words)))
    return hits


def snippet(text: str, words: Sequence[str]) -> Markup:
    """Return a piece of the text around the first word that was found, the found ones marked."""
    first = next((match.start() for match in WORD.finditer(text) if _hit(match[0], words)), 0)
    start = max(0, first - SNIPPET_BEFORE)
    if start:
        start = text.find(" ", start) + 1
    end = start + SNIPPET_LETTERS
    piece = text[start:] if len(text) <= end else text[start:end].rpartition(" ")[0] + " …"
    marked = []
    place = 0
    for match in WORD.finditer(piece):
        if _hit(match[0], words):
            marked += [
                escape(piece[place : match.start()]),
                Markup("<mark>{}</mark>").format(match[0]),
            ]
            place = match.end()
    before = escape("… " if start else "")
    return before + Markup("").join([*marked, escape(piece[place:])])


def _found(words: Sequence[str], part: str) -> list[Post]:
    if not words:
        return []
    short = [word[:MOST_LETTERS] for word in words]
    if is_postgres():
        sql, wanted = SEARCH.format(match=POSTGRES_MATCH), " & ".join(f"{one}:*" for one in short)
    else:
        sql, wanted = SEARCH.format(match=SQLITE_MATCH), " ".join(f'"{one}"*' for one in short)
    return [post_of(row) for row in execute(sql, [wanted, part, micros(now())]).fetchall()]


def _text_of(post: Post, *, whole: bool) -> str:
    """Read a text for its snippet; the searching statements read none, as most is not shown."""
    read = records.find(post.slug) or post
    return plain(f"{escape(read.summary)} {read.teaser} {read.rest if whole else ''}")


def _rank(post: Post, words: Sequence[str]) -> int:
    """Say how good a hit is, by what is public alone: 0 in the title, 1 in the summary, else 2."""
    for rank, text in enumerate((post.title, f"{post.title} {post.summary}")):
        own = words_of(text)
        if all(any(one.startswith(word) for one in own) for word in words):
            return rank
    return 2


def _hit(word: str, words: Sequence[str]) -> bool:
    return any(part.startswith(tuple(words)) for part in WORD.findall(folded(word)))
