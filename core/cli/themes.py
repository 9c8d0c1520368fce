"""obolo themes list, new, child, use: how the site looks."""

from __future__ import annotations

import click

from core import settings
from core.cli.opened import open_site
from core.config import Config
from core.storage import transaction
from core.themes import copy, make_child
from core.themes.choosing import PLAIN
from core.web.themes import site_themes, wear


@click.group("themes")
def themes_group() -> None:
    """How the site looks."""


@themes_group.command("list")
def list_themes() -> None:
    """List the themes: the one that is used, the others, and those that cannot be."""
    open_site()
    themes = site_themes()
    for name, theme in themes.found.items():
        used = "used" if theme is themes.active else ""
        child = f" (child of {theme.parent.name})" if theme.parent else ""
        click.echo(f"{used:4} {name:14} {theme.title('en')}{child}")
    for name, why in themes.broken.items():
        click.echo(f"     {name:14} cannot be used: {why}")


@themes_group.command("new")
@click.argument("name")
def new_theme(name: str) -> None:
    """Write a theme of your own into the site's folder: the plain one, to be changed."""
    config = _config()
    _tell(name, str(copy(PLAIN, name, config.home / "themes")))


@themes_group.command("child")
@click.argument("parent")
@click.argument("name")
def child_theme(parent: str, name: str) -> None:
    """Write a theme that changes a little of PARENT: a manifest and an empty stylesheet."""
    config = _config()
    _tell(name, str(make_child(site_themes().theme(parent), name, config.home / "themes")))


@themes_group.command("use")
@click.argument("name")
def use_theme(name: str) -> None:
    """Show the site in a theme from now on."""
    open_site()
    wear(name, actor="cli")
    click.echo(f"The site wears {name} now.")


def _config() -> Config:
    config: Config = open_site().extensions["obolo_config"]
    return config


def _tell(name: str, place: str) -> None:
    """Let the running site look for themes again, and say where the new one is."""
    with transaction():
        settings.bump("plugins")
    click.echo(f"{place} is ready: obolo themes use {name}")


COMMANDS = (themes_group,)
