"""Pages that are drawn once and kept, because nothing on them is about their reader.

What plugins put into slots and directives is drawn anew each time: while a page is drawn to be
kept, a mark stands in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from flask import current_app, g, has_app_context, request
from markupsafe import Markup

from core.plugins import changes
from core.settings import stamp
from core.web.languages import choose_language
from core.web.trying import is_trying

MARK = "\x1e"
"""No text of a page can hold this separator (it is no character of HTML)."""
MOST_PAGES = 1000
ADDRESS = ("wsgi.url_scheme", "HTTP_HOST", "SCRIPT_NAME", "PATH_INFO")
"""What the address of a page consists of, in WSGI's words (PEP 3333)."""
Piece = Callable[[], str]


@dataclass(slots=True)
class Kept:
    """A page's fixed parts, and between them the pieces that are drawn anew."""

    parts: list[str] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)


def kept_page(key: Hashable, draw: Callable[[], str]) -> str:
    """Return the page that `draw` returns, drawn once for a key, language, host and site.

    A site is its settings and plugins; `key` must hold everything else that the page depends on. An
    address with a query is drawn anew, and so is one in a theme that is tried.
    """
    environ = request.environ
    if environ.get("QUERY_STRING") or is_trying():
        return draw()
    pages: dict[Hashable, Kept] = current_app.extensions.setdefault("obolo_pages", {})
    whole = (key, choose_language(), stamp(), changes(), *map(environ.get, ADDRESS))
    kept = pages.get(whole)
    if kept is None:
        kept = _drawn(draw)
        if len(pages) >= MOST_PAGES:
            pages.clear()
        pages[whole] = kept
    if not kept.pieces:
        return kept.parts[0]
    texts: list[str] = []
    for part, piece in zip(kept.parts, kept.pieces, strict=False):
        texts += (part, piece())
    return "".join((*texts, kept.parts[-1]))


def _drawn(draw: Callable[[], str]) -> Kept:
    kept = Kept()
    g.kept = kept
    try:
        kept.parts = draw().split(MARK)
    finally:
        del g.kept
    return kept


def live(piece: Piece) -> Markup:
    """Return a piece now, or its mark while a page is drawn to be kept."""
    kept: Kept | None = g.get("kept") if has_app_context() else None
    if kept is None:
        return Markup(piece())  # noqa: S704 - safe markup of a plugin, or nothing
    kept.pieces.append(piece)
    return Markup(MARK)  # noqa: S704 - a constant
