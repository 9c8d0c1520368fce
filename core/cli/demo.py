"""The site that `make run` shows: a home with the bundled plugins, demo content, play money."""

from __future__ import annotations

import os
from pathlib import Path

import click
from flask import current_app

from core import config as configuration
from core import settings
from core.cli import year
from core.cli.opened import open_site
from core.errors import OboloError
from core.plugins import catalogue
from core.storage import execute

DEMO_FOLDER = Path(__file__).parents[2] / "plugins" / "posts" / "demo"
DEMO_CONFIG = """
plugins = ["posts", "paywall", "tipjar", "wallet", "takeback", "machinepay", "playmoney"]
site_name = "Il Taccuino"
"""


def make_home(home: Path) -> None:
    """Make a site's folder whose plugins are those of the demo."""
    configuration.initialise(home)
    place = home / "obolo.toml"
    place.write_text(place.read_text() + DEMO_CONFIG)


def load() -> None:
    """Load the demo's posts once, and write down that nothing is sold at a loss."""
    if execute("SELECT 1 FROM settings_value WHERE name = 'checkout.allow_loss'").fetchone():
        return
    if "posts" in catalogue.failed:
        raise OboloError("The plugin posts is off: {why}", why=catalogue.failed["posts"])
    importing = current_app.cli.commands["posts"].commands["import"]  # type: ignore[attr-defined]
    importing.callback(DEMO_FOLDER)
    if not settings.locked("checkout.allow_loss"):
        settings.save("checkout.allow_loss", value=False, actor="demo")


@click.command("demo")
@click.option("--year", "with_year", is_flag=True, help="Add a year of sales, by play money.")
@click.option("--orders", default=2_000, show_default=True, help="How many orders the year has.")
@click.option("--seed", default=1, show_default=True, help="Another number, another year.")
def fill_site(with_year: bool, orders: int, seed: int) -> None:  # noqa: FBT001 - an option
    """Make a site with demo content if there is none, and a past for it if that is wanted."""
    home = Path(os.environ.get("OBOLO_HOME") or "instance").absolute()
    if not (home / "keys" / "session.key").exists():
        make_home(home)
    open_site()
    load()
    if with_year:
        sold = year.sell(orders, seed)
        click.echo(
            f"{sold.orders} orders by {sold.buyers} readers within a year: {sold.paid} paid, "
            f"{sold.refunds} given back. `obolo run` shows them, `obolo ledger verify` checks them."
        )


COMMANDS = (fill_site,)
