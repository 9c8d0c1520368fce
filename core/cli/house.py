"""obolo init, db, settings, audit, doctor: the house that a site lives in."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from core import app as site
from core import audit, doctor, settings, storage
from core import config as configuration
from core.cli.opened import open_site
from core.plugins import enabled, find_plugins
from core.storage import Migrations, lock_migrations

NO_PLUGINS = "# plugins = []  "
FIRST_PLUGINS = 'plugins = ["posts", "paywall", "playmoney"]  '
"""What a new site begins with: texts, a price on them, and money to try it with."""


@click.command()
def init() -> None:
    """Make the folder of a new site, with its keys; what is there stays as it is."""
    home = Path(os.environ.get("OBOLO_HOME") or "instance").absolute()
    place = home / "obolo.toml"
    is_new = not place.exists()
    configuration.initialise(home)
    if is_new:
        place.write_text(place.read_text().replace(NO_PLUGINS, FIRST_PLUGINS))
    click.echo(f"{home} is ready; its keys are in {home / 'keys'}.")


@click.group()
def db() -> None:
    """The database: its migrations."""


def _histories() -> list[Migrations]:
    config = configuration.load()
    storage.connect(config.database)
    found, _ = find_plugins([Path(folder) for folder in config.plugin_folders])
    known = "plugins_plugin" in storage.classes.table_names()
    names = enabled.names("enabled", "paused") if known else config.plugins
    folders = {name: found[name].folder / "migrations" for name in names if name in found}
    return [
        Migrations(name, folder)
        for name, folder in {"core": site.ROOT / "core" / "migrations", **folders}.items()
    ]


@db.command()
def status() -> None:
    """List what the database has and what is pending; exit 1 when something is."""
    pending = False
    for history in _histories():
        for name in history.applied():
            click.echo(f"{history.component:12} {name:30} applied")
        for name in history.pending():
            pending = True
            click.echo(f"{history.component:12} {name:30} pending")
    sys.exit(1 if pending else 0)


@db.command()
def migrate() -> None:
    """Run what is pending."""
    with lock_migrations():
        for history in _histories():
            for name in history.apply():
                click.echo(f"{history.component}: {name}")


@click.group("settings")
def settings_group() -> None:
    """What an owner may set."""


@settings_group.command("list")
def list_settings() -> None:
    """List the settings with their values; secrets are not shown."""
    open_site()
    for one in settings.declared():
        shown = "(secret)" if one.secret else settings.value(one.name)
        lock = "  (fixed by the environment)" if settings.locked(one.name) else ""
        click.echo(f"{one.name:28} {shown}{lock}")


@settings_group.command("set")
@click.argument("name")
@click.argument("value", required=False)
def set_setting(name: str, value: str | None) -> None:
    """Set one, as text: `obolo settings set checkout.allow_loss false`; without VALUE it asks."""
    open_site()
    wanted = settings.setting(name)
    if value is None:
        value = str(click.prompt(name, hide_input=wanted.secret))
    settings.save(name, settings.from_text(wanted, value), actor="cli")
    click.echo(f"{name} = {'(secret)' if wanted.secret else settings.value(name)}")


@click.group("audit")
def audit_group() -> None:
    """Who did what, and when."""


@audit_group.command("list")
@click.option("--limit", default=50, show_default=True)
def list_audit(limit: int) -> None:
    """Show the newest events."""
    open_site()
    for event in audit.events(limit=limit):
        data = " ".join(f"{key}={value}" for key, value in event.data.items())
        click.echo(
            f"{event.at:%Y-%m-%d %H:%M:%S} {event.action:20} {event.actor:12} {event.subject} "
            f"{data}"
        )


@audit_group.command("verify")
def verify_audit() -> None:
    """Check that no event was changed, added or removed; exit 1 when one was."""
    open_site()
    broken = audit.EVENTS.broken()
    for number in broken:
        click.echo(f"WRONG  the events no longer match seal {number}")
    number, digest = audit.EVENTS.head()
    click.echo(f"{number} seals; the newest is {digest or 'not made yet'}")
    sys.exit(1 if broken else 0)


@click.command("doctor")
def ask_doctor() -> None:
    """Say what needs attention; exit 1 when something is wrong."""
    home = open_site().extensions["obolo_config"].home
    reasons = doctor.ignored()
    found = doctor.findings(home, deep=True)
    wrong = [one for one in found if one.level == "wrong" and one.key not in reasons]
    for one in found:
        word = {"wrong": "WRONG", "soon": "soon", "note": "note"}[one.level]
        ignored = f"  (ignored: {reasons[one.key]})" if one.key in reasons else ""
        click.echo(f"{word:6} {one.sentence}{ignored}")
    click.echo("All is well." if not wrong else f"Wrong: {len(wrong)}")
    sys.exit(1 if wrong else 0)


COMMANDS = (init, db, settings_group, audit_group, ask_doctor)
