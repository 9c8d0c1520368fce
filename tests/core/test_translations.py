"""Every sentence that a reader can meet has its Italian."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po

ROOT = Path(__file__).parents[2]
READERS_ERRORS = {
    "Refused", "NotFound", "BadInput", "Conflict", "Unavailable", "BoundExceeded", "AlreadyHeld",
    "Changed", "Health", "Withdrawn", "TokenNeeded", "NotJSON",
}  # fmt: skip
"""Errors whose message is put on a page; others stop a start, a command or a call."""

AUTHORS_MODULES = {"plugins/posts/importing.py"}
"""What only a command line says: it speaks English to whoever runs the site."""

PLACES = [
    path
    for path in (ROOT / "core", *ROOT.glob("plugins/*"), *ROOT.glob("themes/*"))
    if path.is_dir() and (path / "__init__.py").exists() | (path / "theme.toml").exists()
]


def words_of_templates(place: Path) -> Iterator[tuple[str, str]]:
    for template in sorted(place.rglob("templates/**/*.html")):
        with template.open("rb") as lines:
            options = {"trimmed": "true", "newstyle_gettext": "true"}
            for _, words, _, _ in extract("jinja2.ext:babel_extract", lines, options=options):
                yield (words if isinstance(words, str) else words[0]), _named(template)


def words_of_code(place: Path) -> Iterator[tuple[str, str]]:
    for module in sorted(place.rglob("*.py")):
        with module.open("rb") as lines:
            for _, words, _, _ in extract("python", lines):
                yield (words if isinstance(words, str) else words[0]), _named(module)


def words_of_errors(place: Path) -> Iterator[tuple[str, str]]:
    """Find what is raised for readers: the text is the key, {braces} included."""
    for module in sorted(place.rglob("*.py")):
        if _named(module) in AUTHORS_MODULES:
            continue
        tree = ast.parse(module.read_text())
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            match call:
                case ast.Call(
                    func=ast.Name(id=name), args=[ast.Constant(value=str() as words), *_]
                ) if name in READERS_ERRORS:
                    yield words, _named(module)
                case ast.Call(
                    func=ast.Name(id="Mistake"), args=[_, _, ast.Constant(value=str() as words), *_]
                ):
                    yield words, _named(module)
                case ast.Call(
                    func=ast.Attribute(value=ast.Call(func=ast.Name(id="super")), attr="__init__"),
                    args=[ast.Constant(value=str() as words), *_],
                ):
                    yield words, _named(module)


def words_of_sentences(place: Path) -> Iterator[tuple[str, str]]:
    """Find constants that are looked up later: SENTENCES by status, LABEL of a way to pay."""
    for module in sorted(place.rglob("*.py")):
        for node in ast.parse(module.read_text()).body:
            match node:
                case ast.Assign(targets=[ast.Name(id="SENTENCES")], value=ast.Dict(values=values)):
                    for value in values:
                        yield ast.literal_eval(value), _named(module)
                case ast.Assign(
                    targets=[ast.Name(id="LABEL")], value=ast.Constant(value=str() as words)
                ):
                    yield words, _named(module)


def _named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def catalogue(place: Path) -> Catalog:
    path = place / "translations" / "it" / "LC_MESSAGES" / "messages.po"
    if not path.exists():
        return Catalog(locale="it")
    with path.open("rb") as lines:
        return read_po(lines, locale="it", abort_invalid=True)


def missing(place: Path) -> list[str]:
    """Return the words of a place that neither it nor core has in Italian, and where they are."""
    found = [
        pair
        for words in (words_of_templates, words_of_code, words_of_errors, words_of_sentences)
        for pair in words(place)
    ]
    return sorted({f"{where}: {words}" for words, where in found if not _is_said(words, place)})


def _is_said(words: str, place: Path) -> bool:
    for catalogued in (catalogue(place), catalogue(ROOT / "core")):
        message = catalogued.get(words)
        if message and message.string and all(message.string) and not message.fuzzy:
            return True
    return False


@pytest.mark.parametrize("place", PLACES, ids=_named)
def test_every_sentence_has_its_italian(place):
    """Templates, calls of gettext and errors for readers are complete in Italian."""
    assert missing(place) == []


@pytest.mark.parametrize("place", PLACES, ids=_named)
def test_no_catalogue_keeps_what_nobody_says(place):
    """A translation whose sentence is gone is gone too, and none is fuzzy or said twice."""
    said = {
        words
        for find in (words_of_templates, words_of_code, words_of_errors, words_of_sentences)
        for words, _ in find(place)
    }
    kept = [message for message in catalogue(place) if message.id]
    keys = [message.id if isinstance(message.id, str) else message.id[0] for message in kept]

    assert [key for key in keys if key not in said] == []
    assert [message.id for message in kept if message.fuzzy] == []


@pytest.mark.parametrize("place", PLACES, ids=_named)
def test_a_translation_keeps_every_blank(place):
    """What is filled in stands in the translation as well: %(names)s and {names}."""
    blanks = re.compile(r"%\(\w+\)s|\{\w+\}")
    torn = [
        message.id
        for message in catalogue(place)
        if isinstance(message.id, str)
        and message.id
        and set(blanks.findall(message.id)) != set(blanks.findall(str(message.string)))
    ]
    assert torn == []


def test_the_finder_sees_what_is_missing(tmp_path, monkeypatch):
    """A sentence in a template, in code and in an error are each found when they lack Italian."""
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "a.html").write_text("{{ _('in a template') }}")
    (tmp_path / "a.py").write_text(
        "gettext('in code')\nraise Refused('in an {error}', error=1)\nLABEL = 'in a constant'\n"
    )

    assert [line.partition(": ")[2] for line in missing(tmp_path)] == [
        "in a constant", "in an {error}", "in code", "in a template",
    ]  # fmt: skip
