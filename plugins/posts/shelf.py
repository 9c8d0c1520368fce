"""The media list: what was uploaded or imported, with its tags and words, and where it is used."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from core import (
    BadInput,
    Conflict,
    NotFound,
    after_commit,
    enqueue,
    execute,
    insert,
    now,
    transaction,
)
from plugins.posts import media
from plugins.posts.media import Medium
from plugins.posts.pictures import PICTURES, kind_of, measure
from plugins.posts.records import micros
from plugins.posts.resizing import MOST_PIXELS, cleaned, make_copies

TASK = "posts.pictures"
MOST_ALT, MOST_TAGS = 300, 20
SELECT = "SELECT name, file, width, height, alt, tags, copied, created FROM posts_medium"
LIST = """WHERE (LOWER(file) LIKE ? ESCAPE '!' OR LOWER(alt) LIKE ? ESCAPE '!')
AND tags LIKE ? ESCAPE '!' ORDER BY created DESC, name LIMIT ? OFFSET ?"""


@dataclass(frozen=True, slots=True)
class Item:
    """One file of the list. `file` is what it was called; `created` is microseconds since 1970."""

    name: str
    file: str
    width: int
    height: int
    alt: str
    tags: tuple[str, ...]
    copied: int | None
    created: int

    @property
    def medium(self) -> Medium:
        """The file as a text has it; a text names it by its name here."""
        return Medium(self.name, self.name, self.width, self.height)

    @property
    def is_picture(self) -> bool:
        """Whether a page can show it."""
        return self.medium.mimetype.startswith("image/")

    @property
    def line(self) -> str:
        """What puts it into a text, in Markdown."""
        words = (self.alt if self.is_picture else self.file).translate({91: "(", 93: ")"})
        return f"{'!' if self.is_picture else ''}[{words}]({self.name})"

    @property
    def thumbnail(self) -> str:
        """The name of what is shown in the list."""
        return next(iter(self.medium.copies), self.name)

    @property
    def size(self) -> int:
        """Return its bytes; 0 when it is gone."""
        path = media.folder() / self.name
        return path.stat().st_size if path.exists() else 0


@dataclass(frozen=True, slots=True)
class Use:
    """A text that shows a file."""

    post_id: str
    slug: str
    title: str


def put(medium: Medium, content: bytes, alt: str = "") -> None:
    """Keep a file that was checked, and list it, in the caller's transaction."""
    media.keep(medium.name, content)
    row = {
        "name": medium.name, "file": Path(medium.file).name, "width": medium.width,
        "height": medium.height, "alt": alt, "tags": "[]", "copied": None, "created": micros(now()),
    }  # fmt: skip
    if insert("posts_medium", row, ignore=True):
        enqueue(TASK)


def upload(file: str, content: bytes) -> Item:
    """Take a file that somebody sends, by what it is and not by what it is called.

    Raises BadInput for other kinds, for what is too large, and for a picture that runs something.
    """
    shown = Path(file.replace("\\", "/")).name[:200] or "file"
    ending = kind_of(content)
    if ending is None:
        raise BadInput("“{file}” is none of these: PNG, JPEG, WebP, GIF, SVG, PDF.", file=shown)
    if len(content) > media.MOST_BYTES:
        raise BadInput("“{file}” is larger than 20 MiB", file=shown)
    medium, content = plain(shown, ending, content)
    with transaction():
        put(medium, content)
    return find(medium.name)


def plain(file: str, ending: str, content: bytes) -> tuple[Medium, bytes]:
    """Return a file without what a camera noted in it, measured and named. Raises BadInput."""
    shown = Path(file).name
    width, height = measure(content, ending, shown) if ending in PICTURES else (0, 0)
    if width * height > MOST_PIXELS and ending != ".svg":
        raise BadInput("“{file}” has more than 40 million pixels.", file=shown)
    content = cleaned(content, ending)
    if ending in PICTURES:
        width, height = measure(content, ending, shown)
    return Medium(file, media.named(Path(file).stem, ending, content), width, height), content


def find(name: str) -> Item:
    """Return a file of the list. Raises NotFound."""
    row = execute(f"{SELECT} WHERE name = ?", [name]).fetchone()
    if row is None:
        raise NotFound("There is no such file.")
    return _item(row)


def find_size(name: str) -> Item | None:
    """Return the file that has this name, or a smaller size of this name; None for no file."""
    stem = name.rpartition("-")[0]
    rows = execute(
        f"{SELECT} WHERE name = ? OR name LIKE ? ESCAPE '!'", [name, f"{_escaped(stem)}.%"]
    )
    found = map(_item, rows.fetchall())
    return next((one for one in found if name in (one.name, *one.medium.copies)), None)


def tags() -> list[str]:
    """Return the tags that files have, in order."""
    rows = execute("SELECT DISTINCT tags FROM posts_medium WHERE tags <> '[]'").fetchall()
    return sorted({tag for row in rows for tag in json.loads(row[0])})


def listed(words: str = "", tag: str = "", limit: int = 60, skip: int = 0) -> list[Item]:
    """Return files, newest first: those whose name or words hold what is looked for."""
    wanted = f"%{_escaped(words.casefold())}%"
    tagged = f"%{_escaped(json.dumps(tag.casefold(), ensure_ascii=False))}%" if tag else "%"
    rows = execute(
        f"{SELECT} {LIST}",
        [wanted, wanted, tagged, limit, skip],
    )
    return [_item(row) for row in rows.fetchall()]


def describe(name: str, alt: str, tags: str) -> None:
    """Set what a file shows, in words, and its tags. Raises BadInput and NotFound."""
    words = " ".join(alt.split())
    named = list(dict.fromkeys(" ".join(one.split()).casefold() for one in tags.split(",")))
    named = [one for one in named if one]
    if len(words) > MOST_ALT or len(named) > MOST_TAGS or any(len(one) > 60 for one in named):
        raise BadInput("That is too long: at most 300 letters, and 20 tags of 60 letters.")
    tagged = json.dumps(named, ensure_ascii=False)
    sql = "UPDATE posts_medium SET alt = ?, tags = ? WHERE name = ?"
    if not execute(sql, [words, tagged, name]).rowcount:
        raise NotFound("There is no such file.")


def uses(names: Sequence[str]) -> dict[str, list[Use]]:
    """Return the texts that show each of these files now, drafts and withdrawn ones too."""
    found: dict[str, list[Use]] = {name: [] for name in names}
    rows = execute(
        "SELECT p.id, p.slug, r.title, r.media FROM posts_post p "
        "JOIN posts_revision r ON r.id = p.revision_id WHERE r.media <> '[]' ORDER BY r.title"
    )
    for post_id, slug, title, stored in rows.fetchall():
        for name in {one[1] for one in json.loads(stored)} & found.keys():
            found[name].append(Use(post_id, slug, title))
    return found


def delete(name: str) -> None:
    """Take a file off the list, in the caller's transaction; what an earlier revision shows stays.

    Raises Conflict while a text shows it, or somebody's unsaved copy of one.
    """
    item, marked = find(name), f"%{_escaped(name)}%"
    in_unsaved = "SELECT 1 FROM posts_unsaved WHERE form LIKE ? ESCAPE '!'"
    if uses([name])[name] or execute(in_unsaved, [marked]).fetchone():
        raise Conflict("This file is used by a text. Take it out there first.")
    execute("DELETE FROM posts_medium WHERE name = ?", [name])
    earlier = "SELECT 1 FROM posts_revision WHERE media LIKE ? ESCAPE '!'"
    if execute(earlier, [marked]).fetchone() is None:
        after_commit(lambda: _unlink(item))


def _unlink(item: Item) -> None:
    for name in (item.name, *item.medium.copies):
        (media.folder() / name).unlink(missing_ok=True)


def make_waiting() -> None:
    """Make the copies of all pictures that have none yet; the task behind the list."""
    for item in list(_waiting()):
        make_copies(item.medium, media.folder())
        execute("UPDATE posts_medium SET copied = ? WHERE name = ?", [micros(now()), item.name])


def _waiting() -> Iterator[Item]:
    rows = execute(f"{SELECT} WHERE copied IS NULL ORDER BY created")
    return map(_item, rows.fetchall())


def _item(row: Sequence[object]) -> Item:
    name, file, width, height, alt, tags, copied, created = row
    return Item(name, file, width, height, alt, tuple(json.loads(str(tags))), copied, created)  # type: ignore[arg-type]


def _escaped(text: str) -> str:
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
