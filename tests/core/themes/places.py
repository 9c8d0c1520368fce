"""Themes that tests write into a folder."""

from __future__ import annotations

from pathlib import Path

ABOUT = """
[theme]
name = "{name}"
version = "1"
title.en = "{name}"
description.en = "For a test."
"""


def write_theme(folder: Path, name: str = "mine", more: str = "", **files: str) -> Path:
    """Write a theme's manifest, with more of it, and files by their paths."""
    place = folder / name
    place.mkdir(parents=True)
    (place / "theme.toml").write_text(ABOUT.format(name=name) + more)
    for file, text in {"static/theme.css": "", **files}.items():
        (place / file).parent.mkdir(parents=True, exist_ok=True)
        (place / file).write_text(text)
    return place
