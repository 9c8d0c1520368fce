"""Posts and pages: written in Markdown, rendered once, read, searched and fed from there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from flask import Blueprint
from markupsafe import Markup

from core import Periodic, Query, ResourceCard, current_reader, gettext, hookimpl
from plugins.posts import (
    desk,
    desk_history,
    desk_media,
    feeds,
    first,
    records,
    search,
    shelf,
    unsaved,
    views,
)
from plugins.posts.commands import group
from plugins.posts.site import pages

__all__ = ["desk", "desk_history", "desk_media", "feeds", "first", "group", "views"]


@hookimpl
def register_blueprint() -> Blueprint:
    """Show the front page, the posts, their lists, feeds and search."""
    return pages


@hookimpl
def register_tasks() -> Iterable[Periodic]:
    """Make the smaller sizes of pictures that came; a new one is made at once."""
    return (Periodic(shelf.TASK, 600, shelf.make_waiting),)


@hookimpl
def describe(resource: str) -> ResourceCard | None:
    """Say what everybody may know of a post that is shown now."""
    return records.find_card(resource)


@hookimpl
def list_resources(query: Query) -> Iterable[ResourceCard]:
    """List what is shown now; words are looked for in public parts only."""
    if not query.words:
        return [post.card() for post in records.matching(query)]
    tag = query.tag.casefold()
    found = [
        post.card()
        for post in search.find_public(query.words)
        if query.kind in ("", post.kind)
        and query.language in ("", post.language)
        and (not tag or tag in [one.casefold() for one in post.tags])
    ]
    return found[: query.limit]


@hookimpl
def export_reader(holder: str) -> Mapping[str, Sequence[Mapping[str, object]]] | None:
    """Give somebody what they typed and did not save."""
    rows = unsaved.export(holder)
    return {"unsaved": rows} if rows else None


@hookimpl
def erase_reader(holder: str) -> None:
    """Forget what somebody typed and did not save, and that they wrote a revision."""
    unsaved.erase(holder)


@hookimpl
def render_slot(slot: str, context: Mapping[str, object]) -> Markup | None:
    """Put a way to the search into the site's navigation."""
    if slot != "nav":
        return None
    return _way_to_search(current_reader().language)


@lru_cache(maxsize=32)
def _way_to_search(_language: str) -> Markup:
    return Markup('<a href="/search">{}</a>').format(gettext("Search"))
