"""What the head of a page says to search engines and to those who show its link.

Only the public part of a text goes into it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from core import now
from plugins.posts.records import Post, Translation, micros
from plugins.posts.search import plain

DESCRIPTION_LETTERS = 180


@dataclass(frozen=True, slots=True)
class Head:
    """The address, description and picture of a post, its translations, and its JSON-LD."""

    url: str
    description: str
    picture: str
    translations: tuple[Translation, ...]
    data: Mapping[str, Any]


def head_of(post: Post, base: str, site: str, *, free: bool) -> Head:
    """Return a post's head; `base` is the site's address without a slash at its end."""
    cover = post.cover_medium
    picture = base + post.media_url(cover) if cover else ""
    description = post.summary or shortened(plain(post.teaser))
    url = base + post.url
    present = micros(now())
    shown = tuple(one for one in post.translations if one.published <= present)
    data: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Article" if post.kind == "post" else "WebPage",
        "headline": post.title,
        "description": description,
        "inLanguage": post.language,
        "url": url,
        "mainEntityOfPage": url,
        "datePublished": iso(post.published or post.changed),
        "dateModified": iso(post.changed),
        "author": [{"@type": "Person", "name": name} for name in post.authors],
        "publisher": {"@type": "Organization", "name": site, "url": f"{base}/"},
        "isAccessibleForFree": free,
    }
    if picture:
        data["image"] = picture
    if not free:
        data["hasPart"] = {
            "@type": "WebPageElement", "isAccessibleForFree": False, "cssSelector": ".paywall",
        }  # fmt: skip
    return Head(url, description, picture, shown if len(shown) > 1 else (), data)


def shortened(text: str, letters: int = DESCRIPTION_LETTERS) -> str:
    """Return a text cut between two words."""
    return text if len(text) <= letters else text[:letters].rpartition(" ")[0] + " …"


@lru_cache(maxsize=4096)
def iso(at: int) -> str:
    """Write an instant, in microseconds since 1970, as ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(at // 1_000_000, UTC).isoformat()
