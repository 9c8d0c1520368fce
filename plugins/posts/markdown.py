"""Turn a text in Markdown into what is stored: the teaser, and the rest, both safe to show.

Whatever the text holds, only what stands on the allow-list leaves this file (nh3).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.footnote import footnote_plugin

from core import BadInput
from plugins.posts import directives
from plugins.posts.media import SIZES, Medium

MORE = re.compile(r"<!--\s*more\s*-->", re.IGNORECASE)
WORDS_A_MINUTE = 220
"""Silent reading of non-fiction: 238 words a minute (Brysbaert 2019), a little less on a phone."""

TAGS = frozenset(
    re.findall(
        r"\w+",
        "p h2 h3 h4 h5 h6 ul ol li dl dt dd blockquote pre code em strong b i s del ins mark small "
        "sub sup a abbr cite q kbd samp var img figure figcaption hr br table thead tbody tfoot tr "
        "th td caption section details summary time",
    )
)
ATTRIBUTES = {
    "*": {"lang", "dir", "id", "class"},
    "a": {"href", "title"},
    "img": {"src", "srcset", "sizes", "alt", "title", "width", "height", "loading", "decoding"},
    "ol": {"start", "reversed"},
    "th": {"colspan", "rowspan", "scope"},
    "td": {"colspan", "rowspan"},
    "abbr": {"title"},
    "time": {"datetime"},
    "details": {"open"},
}
IDS = re.compile(r"fn(ref)?\d+(:\d+)?")
CLASSES = re.compile(
    r"footnotes|footnotes-list|footnotes-sep|footnote-item|footnote-ref|footnote-backref"
    r"|align-(left|right|center)|language-[A-Za-z0-9+#._-]{1,30}"
)


class WrongLine(BadInput):
    """Something in a text cannot be stored; `line` counts from 1, within the text."""

    line = 1


@dataclass(frozen=True, slots=True)
class Rendered:
    """A text as it is stored; `media` says of each file whether everybody may have it."""

    teaser: str
    rest: str
    minutes: int
    more_minutes: int
    media: tuple[Medium, ...]


@dataclass(slots=True)
class _Draft:
    """What is needed while one text is rendered."""

    find: Callable[[str], Medium]
    prefix: str
    media: dict[str, Medium] = field(default_factory=dict)


def _markdown() -> MarkdownIt:
    made = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    made.use(footnote_plugin)
    directives.install(made)
    return made


MARKDOWN = _markdown()


def render(text: str, find: Callable[[str], Medium], prefix: str, cover: str = "") -> Rendered:
    """Render a text. `find` returns the file that it names; `prefix` is where files are served.

    Raises WrongLine for a file that is not there, and for a mark of the teaser's end that does not
    stand alone on its line or stands there twice.
    """
    env: dict[str, object] = {}
    tokens = MARKDOWN.parse(text, env)
    teaser, rest = _parts(tokens)
    draft = _Draft(find, prefix)
    if cover:
        _use(draft, cover, public=True)
    for part, public in ((teaser, True), (rest, False)):
        _prepare(part, draft, public=public)
    count = [_words(part) for part in (teaser, rest)]
    return Rendered(
        _stored(teaser, env, draft), _stored(rest, env, draft),
        _minutes(sum(count)), _minutes(count[1]), tuple(draft.media.values()),
    )  # fmt: skip


def directive_names(text: str) -> list[str]:
    """Return the names of the directives in a text, each once, in order."""
    found = (one.meta["name"] for one in MARKDOWN.parse(text) if one.type == directives.TOKEN)
    return list(dict.fromkeys(found))


def _parts(tokens: list[Token]) -> tuple[list[Token], list[Token]]:
    """Split at the mark; without one only the first paragraph, and headings before it, are free."""
    marks = []
    for place, token in enumerate(tokens):
        with _on_line_of(token):
            if _is_mark(token):
                marks.append(place)
            if len(marks) > 1:
                raise BadInput("<!-- more --> stands there twice")
    if marks:
        return tokens[: marks[0]], tokens[marks[0] + 1 :]
    place = 0
    while place < len(tokens) and _in_heading(tokens, place):
        place += 1
    if place < len(tokens) and _is_paragraph_of_words(tokens, place):
        return tokens[: place + 3], tokens[place + 3 :]
    return [], tokens


@contextmanager
def _on_line_of(token: Token) -> Iterator[None]:
    """Say on which line the block begins in which something is wrong."""
    try:
        yield
    except BadInput as error:
        wrong = WrongLine(error.message, **error.values)
        wrong.line = token.map[0] + 1 if token.map else 1
        raise wrong from None


def _in_heading(tokens: list[Token], place: int) -> bool:
    token = tokens[place]
    return token.type.startswith("heading_") or (
        token.type == "inline" and tokens[place - 1].type == "heading_open"
    )


def _is_paragraph_of_words(tokens: list[Token], place: int) -> bool:
    return tokens[place].type == "paragraph_open" and any(
        one.type != "image" for one in tokens[place + 1].children or ()
    )


def _is_mark(token: Token) -> bool:
    """Tell whether this is the mark. Raises BadInput for one that does not stand for itself."""
    if token.type == "html_block" and not token.level and MORE.fullmatch(token.content.strip()):
        return True
    for one in (token, *(token.children or ())):
        if one.type in ("html_block", "html_inline") and MORE.search(one.content):
            raise BadInput("<!-- more --> must stand alone on its line, outside of lists")
    return False


def _walk(tokens: Sequence[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _walk(token.children or ())


def _prepare(tokens: list[Token], draft: _Draft, *, public: bool) -> None:
    """Point pictures and files to where they are served, and put headings below the title."""
    _make_figures(tokens)
    for block in tokens:
        with _on_line_of(block):
            for token in _walk([block]):
                _prepare_token(token, draft, public=public)


def _prepare_token(token: Token, draft: _Draft, *, public: bool) -> None:
    if token.type == "image":
        _use_picture(token, draft, public=public)
    elif token.type == "link_open":
        target = str(token.attrs.get("href", ""))
        if target and not re.match(r"[a-z][a-z0-9+.-]*:|[/#?]", target, re.IGNORECASE):
            token.attrs["href"] = draft.prefix + _use(draft, target, public=public).name
    elif token.type in ("heading_open", "heading_close") and token.tag == "h1":
        token.tag = "h2"
    style = str(token.attrs.pop("style", ""))
    if style.startswith("text-align:"):
        token.attrs["class"] = f"align-{style.removeprefix('text-align:')}"


def _use_picture(token: Token, draft: _Draft, *, public: bool) -> None:
    target = str(token.attrs.get("src", ""))
    medium = _use(draft, target, public=public)
    if not medium.mimetype.startswith("image/"):
        raise BadInput("“{file}” is no picture", file=target)
    token.attrs["src"] = draft.prefix + medium.name
    if medium.width and medium.height:
        token.attrs.update(width=str(medium.width), height=str(medium.height))
    if medium.copies:
        token.attrs.update(srcset=medium.srcset(draft.prefix), sizes=SIZES)
    token.attrs.update(loading="lazy", decoding="async")


def _use(draft: _Draft, target: str, *, public: bool) -> Medium:
    if re.match(r"[a-z][a-z0-9+.-]*:|/", target, re.IGNORECASE):
        raise BadInput("“{file}” must lie beside the text, not elsewhere", file=target)
    medium = draft.find(target)
    known = draft.media.get(medium.file, medium)
    medium = draft.media[medium.file] = replace(medium, public=public or known.public)
    return medium


def _make_figures(tokens: list[Token]) -> None:
    """Make a figure of a paragraph that holds one picture alone; its title is the caption."""
    for opened, inline, closed in zip(tokens, tokens[1:], tokens[2:], strict=False):
        children = inline.children or []
        if opened.type == "paragraph_open" and [one.type for one in children] == ["image"]:
            opened.tag = closed.tag = "figure"
            caption = str(children[0].attrs.pop("title", ""))
            if caption:
                words = Token("text", "", 0, content=caption)
                inline.children = [
                    *children, Token("caption_open", "figcaption", 1), words,
                    Token("caption_close", "figcaption", -1),
                ]  # fmt: skip


def _stored(tokens: list[Token], env: dict[str, object], draft: _Draft) -> str:
    """Render piece by piece between the directives; each piece is sanitised by itself."""
    own = {draft.prefix + medium.name for medium in draft.media.values()}
    own |= {one.srcset(draft.prefix) for one in draft.media.values() if one.copies}
    parts: list[str] = []
    piece: list[Token] = []
    for token in tokens:
        if token.type == directives.TOKEN:
            parts += [_safe(piece, env, own), directives.stored(**token.meta)]
            piece = []
        else:
            piece.append(token)
    return "".join([*parts, _safe(piece, env, own)]).strip(
        "\n"
    )  # the separator counts as white space


def _safe(tokens: list[Token], env: dict[str, object], own: set[str]) -> str:
    html = MARKDOWN.renderer.render(tokens, MARKDOWN.options, env)
    return sanitised(html, own).replace(directives.SEPARATOR, "")


def sanitised(html: str, pictures: set[str]) -> str:
    """Return only what the allow-list has; of pictures, those that are served for this text."""

    def kept(tag: str, name: str, text: str) -> str | None:
        if name in ("src", "srcset"):
            return text if text in pictures else None
        if name == "sizes":
            return SIZES
        if name == "id":
            return text if IDS.fullmatch(text) else None
        if name == "class":
            return " ".join(one for one in text.split() if CLASSES.fullmatch(one)) or None
        return text

    return nh3.clean(
        html, tags=set(TAGS), attributes=ATTRIBUTES, attribute_filter=kept,
        url_schemes={"http", "https", "mailto"}, link_rel="noopener", strip_comments=True,
        clean_content_tags={"script", "style", "template", "svg", "math", "iframe"},
    )  # fmt: skip


def _words(tokens: list[Token]) -> int:
    return sum(len(token.content.split()) for token in tokens if token.type == "inline")


def _minutes(words: int) -> int:
    return max(1, round(words / WORDS_A_MINUTE))
