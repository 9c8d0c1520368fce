"""The directive `{{ name key=value }}`, alone on its line: kept in the text, drawn with the page.

In stored text a directive is JSON between two separators, a character that no text can hold.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markupsafe import Markup

from core import draw_embed

SEPARATOR = "\x1e"
TOKEN = "directive"  # noqa: S105 - the type of a token of Markdown, no secret
VALUE = r'(?:"[^"]*"|[^\s"}]+)'
WHOLE = re.compile(
    rf"\{{\{{\s*([a-z][a-z0-9_-]*)((?:\s+[a-z][a-z0-9_]*={VALUE})*)\s*\}}\}}", re.ASCII
)
ARGUMENT = re.compile(rf"([a-z][a-z0-9_]*)=({VALUE})", re.ASCII)


def parse(line: str) -> tuple[str, dict[str, str]] | None:
    """Return name and arguments of a line that is a directive, else None."""
    match = WHOLE.fullmatch(line.strip())
    if match is None:
        return None
    return match[1], {key: value.strip('"') for key, value in ARGUMENT.findall(match[2])}


def written(name: str, arguments: Mapping[str, str]) -> str:
    """Return the line that `parse` reads; an argument that is empty is left out."""
    given = {key: text.replace('"', "”") for key, text in arguments.items() if text}
    parts = [f'{key}="{text}"' if set(text) & set(' "}') else f"{key}={text}"
             for key, text in given.items()]  # fmt: skip
    return f"{{{{ {' '.join([name, *parts])} }}}}"


def install(markdown: MarkdownIt) -> None:
    """Teach Markdown the directive, at the top level of a text only."""
    markdown.block.ruler.before("fence", TOKEN, _rule, {"alt": ["paragraph"]})


def _rule(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001
    if state.level or state.is_code_block(start):
        return False
    line = state.src[state.bMarks[start] + state.tShift[start] : state.eMarks[start]]
    found = parse(line)
    if found is None:
        return False
    if not silent:
        state.line = start + 1
        token = state.push(TOKEN, "", 0)
        token.meta = {"name": found[0], "arguments": found[1]}
        token.map = [start, state.line]
    return True


def stored(name: str, arguments: Mapping[str, str]) -> str:
    """Return what stands for a directive in stored text."""
    return SEPARATOR + json.dumps([name, arguments]) + SEPARATOR


def drawn(text: str) -> Markup:
    """Return stored text with each directive drawn by the plugin that owns it."""
    if SEPARATOR not in text:
        return Markup(text)  # noqa: S704 - sanitised when it was stored
    parts: list[str] = []
    for place, part in enumerate(text.split(SEPARATOR)):
        if place % 2:
            name, arguments = json.loads(part)
            parts.append(draw_embed(name, arguments))
        else:
            parts.append(part)
    return Markup("".join(parts))  # noqa: S704 - sanitised, or drawn by a plugin


def without(text: str) -> str:
    """Return stored text without its directives, for feeds, machines and search."""
    return "".join(text.split(SEPARATOR)[::2])
