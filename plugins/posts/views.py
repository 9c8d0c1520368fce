"""The pages: front page, a post, its media, lists by tag and author, search."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from babel.dates import format_date
from flask import Response, jsonify, render_template, request, send_from_directory

from core import (
    Access,
    BadInput,
    Money,
    NotFound,
    Refused,
    allow_door,
    answer_machine,
    callers,
    count_view,
    current_reader,
    decide,
    holds_any,
    kept_page,
    value,
    wants_json,
)
from plugins.posts import directives, media, records, search
from plugins.posts.heads import head_of, iso
from plugins.posts.media import Medium
from plugins.posts.publishing import Withdrawn
from plugins.posts.records import Post
from plugins.posts.site import pages

VARY = "Cookie, Accept, Accept-Language"
KEPT = "public, max-age=31536000, immutable"
NEVER_KEPT = "private, no-store"
ASKED_AGAIN = "private, no-cache"
LAST_PAGE = 10_000
SVG_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


@pages.get("/")
@callers("anyone")
def home() -> Response:
    """Show the newest post large, and those before it as a list."""
    number, size = _page_number(), value("posts.page_size")

    def draw() -> str:
        posts = records.newest(size + 1, (number - 1) * size)
        texts = records.pages() if number == 1 else []
        return _list_page("posts/home.html", posts, number, texts=texts)

    return _varying(Response(kept_page(("home", records.stamp_of_all()), draw)), ASKED_AGAIN)


@pages.get("/tag/<tag>")
@callers("anyone")
def by_tag(tag: str) -> Response:
    """List the posts with a tag."""
    number, size = _page_number(), value("posts.page_size")
    posts = records.tagged(tag, size + 1, (number - 1) * size)
    return _listing("posts/list.html", _some(posts), number, heading=tag, kind="tag")


@pages.get("/author/<name>")
@callers("anyone")
def by_author(name: str) -> Response:
    """List the posts of an author."""
    number, size = _page_number(), value("posts.page_size")
    posts = _some(records.written_by(name, size + 1, (number - 1) * size))
    heading = next((one for one in posts[0].authors if one.casefold() == name.casefold()), name)
    return _listing("posts/list.html", posts, number, heading=heading, kind="author")


@pages.get("/search")
@callers("anyone")
def look_for() -> Response:
    """Show what is found for `q`, of what this reader may know."""
    wanted = " ".join(request.args.get("q", "").split())[:200]
    hits = []
    if wanted:
        allow_door("search")
        hits = search.find(wanted, current_reader())
    page = render_template("posts/search.html", wanted=wanted, hits=hits, **_words())
    return _varying(Response(page), NEVER_KEPT)


@pages.get("/<slug>")
@callers("anyone", document=True)
def show(slug: str) -> Response:
    """Show a post; of one that is closed to this reader, what everybody may read.

    Machines get 402 for a closed one, and JSON for an open one.
    """
    stamp = records.stamp_of(slug)
    if stamp is None:
        return _varying(_unshown(slug), NEVER_KEPT)
    resource = records.PREFIX + slug
    access = decide(resource, current_reader())
    if wants_json():
        post = _found(slug)
        return answer_machine(
            resource, access, lambda _: _document(post), url=post.url, title=post.title
        )
    count_view(resource, "read" if access.open else "teaser")
    if "first" in request.args and "settings.change" in current_reader().permissions:
        return _varying(Response(drawn(_found(slug), access, "first")), NEVER_KEPT)
    if access.open:
        page = kept_page((stamp, access.held), lambda: drawn(_found(slug), access))
        response = Response(page)
    else:
        response = Response(drawn(_found(slug), access))
    return _varying(response, _kept_how(access))


def _kept_how(access: Access) -> str:
    return NEVER_KEPT if access.held else ASKED_AGAIN


def _unshown(slug: str) -> Response:
    """Answer who bought a text that is not on the site; for others it is gone, or never was."""
    post = _held(slug)
    access = Access(open=True, held=True)
    return _document(post) if wants_json() else Response(drawn(post, access))


def _held(slug: str) -> Post:
    """Return a text that is not on the site to who bought it. Raises NotFound or Withdrawn."""
    found = records.find_unshown(slug)
    if found is None:
        raise NotFound("There is no such page.")
    post, is_withdrawn = found
    if holds_any(current_reader().holders, (post.resource,)):
        return post
    if is_withdrawn:
        raise Withdrawn("This text is no longer here.")
    raise NotFound("There is no such page.")


@pages.get("/<slug>/media/<name>")
@callers("anyone", document=True)
def medium(slug: str, name: str) -> Response:
    """Send a picture or file; one behind the gate only to whom the post is open."""
    shown = records.find(slug)
    post = shown or _held(slug)
    found = next((one for one in post.media if name == one.name or name in one.copies), None)
    if found is None:
        raise NotFound("There is no such page.")
    if shown and not found.public and not decide(post.resource, current_reader()).open:
        raise Refused("This belongs to a text that is not open yet.")
    response, is_whole = sent(found, name)
    is_public = found.public and shown is not None
    kept = KEPT if is_public and is_whole else ASKED_AGAIN if is_public else NEVER_KEPT
    response.headers["Cache-Control"] = kept
    if not is_public:
        response.vary.update(("Cookie",))
    return response


def sent(medium: Medium, name: str) -> tuple[Response, bool]:
    """Send a file under one of its names, and tell whether it is what the name says.

    A smaller size that is not made yet is answered by the picture itself.
    """
    is_there = name == medium.name or (media.folder() / name).exists()
    name = name if is_there else medium.name
    mimetype = media.mimetype_of(name)
    response = send_from_directory(
        media.folder(), name, mimetype=mimetype, max_age=None,
        as_attachment=not mimetype.startswith("image/"),
    )  # fmt: skip
    if mimetype == "image/svg+xml":
        response.headers["Content-Security-Policy"] = SVG_POLICY
    return response, is_there


def _found(slug: str) -> Post:
    post = records.find(slug)
    if post is None:
        raise NotFound("There is no such page.")
    return post


def drawn(post: Post, access: Access, preview: str = "") -> str:
    """Draw the page; what is closed does not even reach the template.

    `preview` says for whom staff are shown it, or that it is the owner's first one.
    """
    head = head_of(
        post, request.url_root.rstrip("/"), value("site.name"),
        free=access.open and not access.held,
    )  # fmt: skip
    return render_template(
        "posts/post.html", access=access, head=head, post=replace(post, teaser="", rest=""),
        teaser=directives.drawn(post.teaser),
        rest=directives.drawn(post.rest) if access.open else None, preview=preview, **_words(),
    )  # fmt: skip


def _document(post: Post) -> Response:
    return jsonify({
        "resource": post.resource, "kind": post.kind, "title": post.title, "url": post.url,
        "language": post.language, "summary": post.summary, "tags": post.tags,
        "authors": post.authors, "published": iso(post.published or 0),
        "html": directives.without(post.teaser + "\n" + post.rest),
    })  # fmt: skip


def _listing(template: str, posts: list[Post], number: int, **more: Any) -> Response:
    return _varying(Response(_list_page(template, posts, number, **more)), ASKED_AGAIN)


def _list_page(template: str, posts: list[Post], number: int, **more: Any) -> str:
    size = value("posts.page_size")
    return render_template(
        template, posts=posts[:size], number=number, has_older=len(posts) > size,
        here=request.path, **more, **_words(),
    )  # fmt: skip


def _some(posts: list[Post]) -> list[Post]:
    if not posts:
        raise NotFound("There is no such page.")
    return posts


def _page_number() -> int:
    text = request.args.get("page", "1")
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= LAST_PAGE:
        raise BadInput("There is no such page.")
    return int(text)


def _varying(response: Response, kept: str) -> Response:
    response.headers["Cache-Control"] = kept
    response.headers["Vary"] = VARY
    return response


def _words() -> dict[str, Any]:
    """Return what the templates write dates and prices with."""
    language = current_reader().language
    return {
        "day_of": lambda at: _day(at // 86_400_000_000, language),
        "price_of": lambda post: price_label(post.fields.get("price", ""), language),
        "iso": iso,
    }


@lru_cache(maxsize=4096)
def _day(days: int, language: str) -> str:
    """Write a day, counted from 1970 in UTC: Babel takes longer than all else on the page."""
    return str(format_date(datetime.fromtimestamp(days * 86_400, UTC).date(), "long", language))


@lru_cache(maxsize=1024)
def price_label(text: str, language: str) -> str:
    """Write a price such as `0.20 EUR` as a language does; what is none gives nothing."""
    amount, _, currency = text.partition(" ")
    if not amount or len(currency) != 3 or not currency.isupper():
        return ""
    try:
        price = Money.parse(amount, currency, "en")
    except BadInput:
        return ""
    return price.format(language) if price else ""
