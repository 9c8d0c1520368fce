"""The commands `obolo posts import`, `export` and `list`."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import click
from flask.cli import AppGroup

from plugins.posts import records
from plugins.posts.exporting import export_folder
from plugins.posts.importing import import_folder
from plugins.posts.site import pages

FOLDER = click.Path(file_okay=False, path_type=Path)
group = cast("AppGroup", pages.cli)
group.short_help = "Bring texts in and out, and list them."


@group.command("import", with_appcontext=False)
@click.argument("folder", type=FOLDER)
def import_texts(folder: Path) -> None:
    """Import the Markdown files of a folder; all of them, or none when one is wrong."""
    result = import_folder(folder)
    click.echo(f"{result.made} new, {result.changed} changed, {result.same} as they were")


@group.command("export", with_appcontext=False)
@click.argument("folder", type=FOLDER)
def export_texts(folder: Path) -> None:
    """Write all texts and their pictures into a folder."""
    click.echo(f"{export_folder(folder)} texts written to {folder}")


@group.command("list", with_appcontext=False)
def list_texts() -> None:
    """List all texts, drafts too."""
    for post in records.everything():
        since = post.published_at.isoformat(" ", "minutes") if post.published_at else "-"
        click.echo(f"{post.kind:5}{post.state:10}{since:23}{post.url:40}{post.title}")
