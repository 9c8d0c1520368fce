"""Open the site for a command, and say where it is."""

from __future__ import annotations

import click
from flask import Flask

from core import app as site
from core import config as configuration
from core.config import Config

HERE = ("localhost", "127.0.0.1")


def open_site() -> Flask:
    """Build the site and have its words at hand for as long as the command runs."""
    app = site.create_app(configuration.load())
    click.get_current_context().with_resource(app.app_context())
    return app


def open_house() -> Config:
    """Connect to the site without its plugins, none of whose code runs; return how it runs."""
    config = configuration.load()
    site.prepare(config)
    return config


def address_of(config: Config) -> str:
    """Return where people reach the site: its first name of its own, else this machine.

    It says localhost where it can: browsers keep no passkey for a number.
    """
    own = [host for host in config.trusted_hosts if host not in HERE]
    if own:
        return f"https://{own[0]}"
    host = "localhost" if config.host in HERE else config.host
    return f"http://{host}:{config.port}"
