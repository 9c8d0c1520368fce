"""Make a theme: a child that changes a little of another one, or a copy of the plain one."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from core.errors import Conflict
from core.plugins.manifest import NAME
from core.themes.finding import BUNDLED, STYLESHEET, Theme
from core.themes.manifest import ThemeError

CHILD = """\
[theme]
name = {name}
version = "0.1.0"
parent = {parent}
title.en = {title}
description.en = {description}
"""
NAMED = re.compile(r'^(name|title\.[a-z]{2}) = "[^"]{0,300}"$', re.MULTILINE)


def make_child(parent: Theme, name: str, folder: Path) -> Path:
    """Write a manifest and an empty stylesheet, and return their folder.

    Raises ThemeError for a wrong name, and Conflict when the folder is there already.
    """
    place = _new_folder(name, folder)
    (place / "static").mkdir(parents=True)
    (place / "static" / STYLESHEET).touch()
    words = {
        "name": name, "parent": parent.name, "title": name.capitalize(),
        "description": f"{parent.title('en')}, changed a little.",
    }  # fmt: skip
    quoted = {key: json.dumps(text, ensure_ascii=False) for key, text in words.items()}
    (place / "theme.toml").write_text(CHILD.format(**quoted), encoding="utf-8")
    return place


def copy(original: str, name: str, folder: Path) -> Path:
    """Write a bundled theme under another name, and return its folder. Raises as `make_child`."""
    place = _new_folder(name, folder)
    shutil.copytree(BUNDLED / original, place)
    manifest = place / "theme.toml"
    text = NAMED.sub(
        lambda found: f'{found[1]} = "{name if found[1] == "name" else name.capitalize()}"',
        manifest.read_text(encoding="utf-8"),
    )
    manifest.write_text(text, encoding="utf-8")
    return place


def _new_folder(name: str, folder: Path) -> Path:
    if not NAME.fullmatch(name):
        raise ThemeError("“{name}” is no name for a theme: small letters and digits.", name=name)
    place = folder / name
    if place.exists() or (BUNDLED / name).exists():
        raise Conflict("There is a theme “{name}” already.", name=name)
    return place
