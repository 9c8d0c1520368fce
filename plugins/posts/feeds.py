"""Feeds, a sitemap and robots.txt: public parts and prices only."""

from __future__ import annotations

import json
from dataclasses import dataclass
from email.utils import format_datetime

from flask import Response, render_template, request
from markupsafe import escape

from core import Access, Reader, callers, decide, drafted, value
from plugins.posts import directives, records
from plugins.posts.heads import iso
from plugins.posts.records import Post
from plugins.posts.site import pages

MOST = 30
MOST_IN_SITEMAP = 50_000
"""The most addresses that one sitemap may hold (sitemaps.org)."""
KEPT_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Entry:
    """A post as feeds have it: its teaser, and what opening it costs (empty when it is free)."""

    post: Post
    url: str
    html: str
    price: str
    link: str
    sent: str
    picture: str


def _base() -> str:
    return request.url_root.rstrip("/")


def entries(base: str) -> list[Entry]:
    """Return the newest posts as a stranger may read them; addresses are absolute."""
    return [_entry(post, base) for post in records.for_feed(MOST)]


def _entry(post: Post, base: str) -> Entry:
    price, label = _price(decide(post.resource, Reader()), post.language)
    link = f'<p><a href="{base}{post.url}">{label}</a></p>' if label else ""
    html = directives.without(post.teaser) or f"<p>{escape(post.summary)}</p>"
    for attribute in ("src", "href"):
        html = html.replace(f'{attribute}="/', f'{attribute}="{base}/')
    cover = post.cover_medium
    sent = format_datetime(post.published_at) if post.published_at else ""
    picture = base + post.media_url(cover) if cover else ""
    return Entry(post, base + post.url, html, price, link, sent, picture)


def _price(access: Access, language: str) -> tuple[str, str]:
    """Return the lowest price for machines and for people."""
    if access.open or not access.offers:
        return "", ""
    lowest = min((drafted(offer) for offer in access.offers), key=lambda total: total.minor)
    return str(lowest), lowest.format(language)


def _kept(body: str, mimetype: str) -> Response:
    response = Response(body, content_type=f"{mimetype}; charset=utf-8")
    response.headers["Cache-Control"] = f"public, max-age={KEPT_SECONDS}"
    response.add_etag()
    response.make_conditional(request)
    return response


@pages.get("/feed.xml")
@callers("anyone")
def rss() -> Response:
    """Send the newest posts as RSS 2.0."""
    base = _base()
    body = render_template("posts/feed.xml", entries=entries(base), base=base, iso=iso)
    return _kept(body, "application/rss+xml")


@pages.get("/feed.json")
@callers("anyone")
def json_feed() -> Response:
    """Send the newest posts as JSON Feed 1.1; a price stands under `_obolo`."""
    base = _base()
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": value("site.name"),
        "description": value("posts.tagline"),
        "home_page_url": f"{base}/",
        "feed_url": f"{base}/feed.json",
        "items": [_item(entry) for entry in entries(base)],
    }
    full = {key: text for key, text in feed.items() if text != ""}
    return _kept(json.dumps(full, ensure_ascii=False), "application/feed+json")


def _item(entry: Entry) -> dict[str, object]:
    post = entry.post
    item: dict[str, object] = {
        "id": entry.url,
        "url": entry.url,
        "title": post.title,
        "language": post.language,
        "content_html": entry.html,
        "date_published": iso(post.published or 0),
        "date_modified": iso(post.changed),
        "authors": [{"name": name} for name in post.authors],
        "tags": post.tags,
    }
    if post.summary:
        item["summary"] = post.summary
    if entry.picture:
        item["image"] = entry.picture
    if entry.price:
        item["_obolo"] = {"price": entry.price}
    return item


@pages.get("/sitemap.xml")
@callers("anyone")
def sitemap() -> Response:
    """List the addresses of all that is shown now."""
    posts = records.posts_and_pages(MOST_IN_SITEMAP - 1)
    body = render_template("posts/sitemap.xml", posts=posts, base=_base(), iso=iso)
    return _kept(body, "application/xml")


@pages.get("/robots.txt")
@callers("anyone")
def robots() -> Response:
    """Let search engines read everything that is for everybody."""
    lines = ["User-agent: *", "Disallow: /checkout/", "Disallow: /library/", "Disallow: /search"]
    return _kept("\n".join([*lines, "", f"Sitemap: {_base()}/sitemap.xml", ""]), "text/plain")
