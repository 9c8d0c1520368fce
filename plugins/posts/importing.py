"""Read a folder of Markdown: check all of it, then store what changed, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from core import BadInput, transaction
from plugins.posts import media, shelf, texts
from plugins.posts.media import Medium
from plugins.posts.texts import Text


@dataclass(frozen=True, slots=True)
class Result:
    """How many texts an import made, changed, and found as they were."""

    made: int
    changed: int
    same: int


def import_folder(folder: Path) -> Result:
    """Import all Markdown files below a folder. Raises BadInput that names every mistake found.

    Nothing is stored unless all files are right. What is not in the folder stays as it is.
    """
    found, files = _check_all(folder)
    with transaction():
        for medium, content in files.values():
            shelf.put(medium, content)
        outcomes = [_store(text) for text in found]
        texts.settle_links()
    return Result(*(outcomes.count(one) for one in ("made", "changed", "same")))


Files = dict[str, tuple[Medium, bytes]]


def _check_all(folder: Path) -> tuple[list[Text], Files]:
    if not folder.is_dir():
        raise BadInput("There is no folder {folder}.", folder=folder)
    wrong: list[str] = []
    found: list[Text] = []
    files: Files = {}
    declared = cache(texts.declared_fields)
    for path in sorted(folder.rglob("*.md")):
        text, errors = _check(folder, path.relative_to(folder).as_posix(), declared, files)
        wrong += errors
        found += [text] if text else []
    wrong += _check_slugs(found)
    if wrong:
        raise BadInput("Nothing was imported:\n{errors}", errors="\n".join(wrong))
    return found, files


def _check(
    folder: Path, file: str, declared: texts.Declared, files: Files
) -> tuple[Text | None, list[str]]:
    """Check one file; its pictures are added to `files`."""
    try:
        source = (folder / file).read_bytes().decode()
    except UnicodeDecodeError:
        return None, [f"{file}: is not written in UTF-8"]

    def find(target: str) -> Medium:
        medium, content = shelf.plain(*media.examine(folder, file, target))
        files[medium.name] = medium, content
        return medium

    text, mistakes = texts.check(source, file, find, declared)
    return text, [f"{file}: {one}" for one in mistakes]


def _check_slugs(found: Iterable[Text]) -> list[str]:
    taken = texts.taken_addresses()
    by_slug: dict[str, str] = {}
    wrong = []
    for text in found:
        slug = text.front.slug
        if slug in taken:
            wrong.append(f"{text.file}: the address /{slug} is taken by the site itself")
        elif slug in by_slug:
            wrong.append(f"{text.file}: the slug “{slug}” is also that of {by_slug[slug]}")
        by_slug.setdefault(slug, text.file)
    for text in found:
        other = text.front.translation_of
        if other and other not in by_slug and not texts.is_stored(other):
            wrong.append(f"{text.file}: “translation_of” names “{other}”, which is not there")
    return wrong


def _store(text: Text) -> str:
    """Store a text if it is new or was changed; say which."""
    before = texts.kept_by_slug(text.front.slug)
    if before is not None and before.digest == text.digest:
        return "same"
    texts.store(text, before)
    return "changed" if before else "made"
