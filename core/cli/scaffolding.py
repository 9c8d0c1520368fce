"""Write a new plugin from the files of its kind in `core/scaffolds`."""

from __future__ import annotations

import re
from pathlib import Path

import click

from core.plugins.manifest import NAME

SCAFFOLDS = Path(__file__).parents[1] / "scaffolds"
KINDS = ("embed", "gate", "provider", "check", "page")
EVERY = "all"
"""The files of every kind."""
MARK = re.compile(r"<<([A-Za-z]+)>>")
ENDING = ".in"
PLACE = "NAME"
"""What stands for the plugin's name in the path of a file."""
MIGRATION = '''"""{text}"""


def up(migrator, db):
    db.execute_sql("ALTER TABLE {name}_... ADD COLUMN ...")


def down(migrator, db):
    db.execute_sql("ALTER TABLE {name}_... DROP COLUMN ...")
'''
"""It fails until somebody has written what it does, so that no empty step counts as done."""
NUMBERED = re.compile(r"([0-9]{4})_\w+\.py")


def scaffold(kind: str, name: str, folder: Path) -> list[Path]:
    """Write a plugin of a kind into a folder that is not there yet; return the files.

    Raises ClickException for a name that no plugin can have, and where the folder is taken.
    """
    if not NAME.fullmatch(name):
        raise click.ClickException(
            f"“{name}” is no name for a plugin: small letters and digits, a letter first."
        )
    if folder.exists():
        raise click.ClickException(f"{folder} is there already.")
    words = {"name": name, "Name": name.capitalize(), "title": name.capitalize()}
    written = []
    for place in (SCAFFOLDS / EVERY, SCAFFOLDS / kind):
        for source in sorted(place.rglob(f"*{ENDING}")):
            inside = str(source.relative_to(place)).removesuffix(ENDING).replace(PLACE, name)
            target = folder / inside
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(filled(source.read_text(encoding="utf-8"), words), encoding="utf-8")
            written.append(target)
    return written


def filled(text: str, words: dict[str, str]) -> str:
    """Return a text with its marks replaced; a mark that has no word is a bug of the file."""
    return MARK.sub(lambda mark: words[mark[1]], text)


def next_migration(folder: Path, text: str) -> Path:
    """Write the next numbered migration of a plugin, to be filled in; return its file.

    Raises ClickException when the text has no letter in it.
    """
    slug = "_".join(re.findall(r"[a-z0-9]+", text.lower()))[:60].strip("_")
    if not slug:
        raise click.ClickException("Say in a few words what the migration does.")
    steps = folder / "migrations"
    steps.mkdir(exist_ok=True)
    names = [NUMBERED.fullmatch(path.name) for path in steps.iterdir()]
    numbers = [int(found[1]) for found in names if found]
    path = steps / f"{max(numbers, default=0) + 1:04}_{slug}.py"
    said = text.strip().replace("\\", "").replace('"', "'")
    sentence = f"{said[:1].upper()}{said[1:].rstrip('.')}."
    path.write_text(MIGRATION.format(text=sentence, name=folder.name), encoding="utf-8")
    return path
