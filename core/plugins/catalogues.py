"""A plugin's words: its catalogues (`.po`) compiled, and what in it is not translated yet."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import PoFileError, read_po

CORE = Path(__file__).parents[1]
SPOKEN = frozenset({"Refused", "NotFound", "BadInput", "Conflict", "Unavailable", "Health"})
"""What is put on a page as it is said; the first words are the key of their translation."""
APART = frozenset({"tests", "migrations"})


def is_stale(source: Path, target: Path) -> bool:
    """Tell whether `target` is missing or older than `source`."""
    return not target.exists() or target.stat().st_mtime <= source.stat().st_mtime


def compile_catalogue(source: Path, target: Path) -> list[str]:
    """Write `target` from `source`; return what is wrong, and write nothing in that case."""
    try:
        with source.open("rb") as lines:
            catalogue = read_po(lines, locale=source.parent.parent.name, abort_invalid=True)
    except PoFileError as error:
        return [f"{source}: {error}"]
    wrong = [
        f"{source}:{message.lineno}: {error}"
        for message, errors in catalogue.check()
        for error in errors
    ]
    if not wrong:
        with target.open("wb") as output:
            write_mo(output, catalogue)
    return wrong


def compile_stale(folder: Path) -> list[str]:
    """Compile the catalogues below a plugin's folder that changed; return what is wrong."""
    return [
        line
        for source in sorted(folder.glob("translations/*/LC_MESSAGES/*.po"))
        if is_stale(source, source.with_suffix(".mo"))
        for line in compile_catalogue(source, source.with_suffix(".mo"))
    ]


def languages_of(folder: Path) -> list[str]:
    """Return the languages for which a plugin has a catalogue."""
    return sorted({path.parents[1].name for path in folder.glob("translations/*/LC_MESSAGES/*.po")})


def untranslated(folder: Path, language: str) -> list[tuple[Path, str]]:
    """Return the words that readers of a language would read in English, with their files."""
    known = _words_of_core(language)
    for source in folder.glob(f"translations/{language}/LC_MESSAGES/*.po"):
        with source.open("rb") as lines:
            known |= _translated(read_po(lines, locale=language))
    return [(place, words) for place, words in words_of(folder) if words not in known]


def words_of(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield the words for people in a plugin's templates and code, with their files."""
    for template in sorted(folder.glob("templates/**/*.html")):
        yield from ((template, words) for words in _extracted(template, "jinja2.ext:babel_extract"))
    for module in sorted(folder.rglob("*.py")):
        if not APART.intersection(module.relative_to(folder).parts):
            yield from ((module, words) for words in _extracted(module, "python"))
            yield from ((module, words) for words in _of_errors(module))


def _extracted(path: Path, method: str) -> Iterator[str]:
    options = {"trimmed": "true", "newstyle_gettext": "true"} if "jinja2" in method else {}
    with path.open("rb") as lines:
        for _, words, _, _ in extract(method, lines, options=options):
            yield words if isinstance(words, str) else words[0]


def _of_errors(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        match node:
            case ast.Call(func=ast.Name(id=name), args=[ast.Constant(value=str() as words), *_]):
                if name in SPOKEN:
                    yield words


def _words_of_core(language: str) -> set[str]:
    path = CORE / "translations" / language / "LC_MESSAGES" / "messages.mo"
    if not path.exists():
        return set()
    with path.open("rb") as file:
        return _translated(read_mo(file))


def _translated(catalogue: Catalog) -> set[str]:
    return {
        one.id if isinstance(one.id, str) else one.id[0]
        for one in catalogue
        if one.id and one.string and not one.fuzzy
    }
