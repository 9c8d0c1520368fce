"""Write all texts and their files into a folder, byte for byte as they came."""

from __future__ import annotations

import json
from pathlib import Path

from core import execute
from plugins.posts import media
from plugins.posts.media import Medium

SOURCES = """SELECT p.slug, r.file, r.source, r.media FROM posts_post p
JOIN posts_revision r ON r.id = p.revision_id ORDER BY p.created, p.slug"""


def export_folder(folder: Path) -> int:
    """Write everything, drafts too, and return how many texts; importing it again changes nothing.

    Nothing in the folder is written over: a text whose files would meet others of the same name
    gets a folder of its own, named by its slug.
    """
    rows = execute(SOURCES).fetchall()
    for slug, file, source, stored in rows:
        contents = {file: source.encode()}
        for medium in (Medium(*one) for one in json.loads(stored)):
            contents[medium.file] = (media.folder() / medium.name).read_bytes()
        place = folder if _fits(folder, contents) else folder / slug
        for path, content in contents.items():
            target = place / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
    return len(rows)


def _fits(folder: Path, contents: dict[str, bytes]) -> bool:
    return all(
        not (folder / path).exists() or (folder / path).read_bytes() == content
        for path, content in contents.items()
    )
