"""The command line: obolo run, worker, demo, db, keys, user, ledger, plugins, themes and others.

A plugin's own commands are those of its blueprint's `cli` group: `obolo posts import FOLDER`.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

import click
from flask import Flask

from core import config as configuration
from core.app import create_app
from core.cli import authoring, backup, books, demo, house, keys, people, plugins, server, themes
from core.errors import OboloError


def _app() -> Flask:
    return create_app(configuration.load())


class Commands(click.Group):
    """Core's commands, then those of the enabled plugins."""

    def list_commands(self, _context: click.Context) -> list[str]:
        """Return core's commands; a plugin's are found by name."""
        return sorted(self.commands)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Look among core's commands first, then build the site and ask its plugins."""
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        app = _app()
        ctx.with_resource(app.app_context())
        return app.cli.get_command(ctx, cmd_name)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--home", type=click.Path(path_type=Path), help="The site's folder, else ./instance.")
def commands(home: Path | None) -> None:
    """Run and look after a site."""
    if home is not None:
        os.environ["OBOLO_HOME"] = str(home)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    for name in ("huey", "peewee"):
        logging.getLogger(name).setLevel(logging.WARNING)


for command in (
    *server.COMMANDS,
    *house.COMMANDS,
    *plugins.COMMANDS,
    *authoring.COMMANDS,
    *keys.COMMANDS,
    *books.COMMANDS,
    *people.COMMANDS,
    *backup.COMMANDS,
    *themes.COMMANDS,
    *demo.COMMANDS,
):
    commands.add_command(command)


def main() -> None:
    """Run a command; what was refused is told in one sentence."""
    try:
        commands(prog_name="obolo")
    except OboloError as error:
        click.echo(f"obolo: {error}", err=True)
        sys.exit(1)
