"""obolo plugins: what is there, on and off, and what it does."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

import click

from core import scripts
from core.cli.opened import open_house, open_site
from core.plugins import breaker, connections, deprecations, enabled, exporting, switching, watching
from core.plugins.preflight import NotReady
from core.plugins.watching import Timing
from core.themes import Themes

ACTOR = "cli"


@click.group("plugins", invoke_without_command=True)
@click.pass_context
def group(context: click.Context) -> None:
    """Plugins: list them, switch them on and off, and see what they do."""
    if context.invoked_subcommand is None:
        context.invoke(list_all)


@group.command("list")
@click.option("--long", "is_long", is_flag=True, help="Hooks, calls, time and errors too.")
def list_all(is_long: bool) -> None:  # noqa: FBT001 - an option
    """List the plugins in the order in which they are asked: on, paused, off, and why."""
    open_site()
    for one in switching.listed():
        about = one.found.manifest.plugin if one.found else None
        title = f"{about.title.get('en', one.name)} {about.version}" if about else ""
        word = {"enabled": "on", "found": "off"}.get(one.state, one.state)
        click.echo(f"{word:13} {one.name:14} {title}{f'  ({one.reason})' if one.reason else ''}")
        if is_long and one.found:
            _say_more(one)


def _say_more(one: switching.Plugin) -> None:
    for old in deprecations.used_by(one.found.folder) if one.found else ():
        click.echo(f"{'':14}{old}")
    timings = breaker.timings(one.name)
    for hook in sorted(one.hooks | timings.keys()):
        timing = timings.get(hook, Timing())
        mean = timing.seconds / timing.calls * 1000 if timing.calls else 0
        click.echo(
            f"{'':14}{hook:24} {timing.calls:8,} calls {mean:8.2f} ms "
            f"{timing.slowest * 1000:8.1f} ms at most {timing.errors:5} errors"
        )


@group.command()
@click.argument("names", nargs=-1, required=True)
def enable(names: tuple[str, ...]) -> None:
    """Try plugins in a process of their own, and switch them on; the site needs no restart."""
    open_house()
    for name in names:
        try:
            report = switching.switch_on(name, actor=ACTOR)
        except NotReady as error:
            click.echo(error.report.detail, err=True)
            raise click.ClickException(str(error)) from None
        click.echo(f"{name} is on; {report.pages} pages and {len(report.hooks)} hooks were tried.")


@group.command()
@click.argument("names", nargs=-1, required=True)
def disable(names: tuple[str, ...]) -> None:
    """Switch plugins off; what they stored stays."""
    open_house()
    for name in names:
        switching.switch_off(name, actor=ACTOR)
        click.echo(f"{name} is off.")


@group.command()
@click.argument("names", nargs=-1, required=True)
def order(names: tuple[str, ...]) -> None:
    """Ask these plugins first, in this order."""
    open_house()
    enabled.reorder(names, actor=ACTOR)
    click.echo(" ".join(enabled.names("enabled", "paused")))


@group.command()
@click.argument("name")
@click.option("--delete", is_flag=True, help="Delete its tables, settings and files, for ever.")
@click.option("--export", "file", type=click.Path(path_type=Path), help="Write that to FILE first.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def uninstall(name: str, delete: bool, file: Path | None, yes: bool) -> None:  # noqa: FBT001 - options
    """Take a plugin that is off from the list; its data stays unless it is deleted."""
    open_house()
    if file is not None:
        _export(name, file)
    if delete and not yes:
        for table, rows in switching.tables_of(name).items():
            click.echo(f"{table}: {rows} rows")
        click.confirm("Delete all of this for ever?", abort=True)
    stays = switching.uninstall(name, delete=delete, actor=ACTOR)
    click.echo(f"{name} is uninstalled. {'Still there: ' + ', '.join(stays) if stays else ''}")


def _export(name: str, file: Path) -> None:
    """Write what a plugin keeps to a new file that only its owner reads."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}") from None
    with os.fdopen(descriptor, "wb") as target:
        rows = exporting.export(name, target, actor=ACTOR)
    click.echo(
        f"{file}: {sum(rows.values())} rows of {len(rows)} tables; keep it as you keep keys."
    )


@group.command("check-connection")
@click.argument("names", nargs=-1)
def check_connection(names: tuple[str, ...]) -> None:
    """Let plugins look whether what they need outside answers; exit 1 when something does not."""
    open_site()
    if strange := set(names) - set(connections.able()):
        raise click.ClickException(f"{', '.join(sorted(strange))}: not on, or nothing to check")
    found = connections.check(names or connections.able(), actor=ACTOR)
    for name, healths in found.items():
        for one in healths:
            click.echo(f"{'ok' if one.ok else 'WRONG':6} {name:14} {one}")
    sys.exit(0 if all(one.ok for healths in found.values() for one in healths) else 1)


@group.command()
@click.argument("address")
def trace(address: str) -> None:
    """Ask for a page as a guest does, and show which hooks ran for it and what they answered."""
    app = open_site()
    parts = urlsplit(address)
    with watching.recorded() as calls:
        answer = app.test_client().get(
            f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}", buffered=True
        )
    for one in calls:
        click.echo(f"{one.seconds * 1000:8.2f} ms  {one.plugin:12} {one.what:20} {one.answer}")
    click.echo(f"{answer.status_code} after {len(calls)} calls")
    sys.exit(0 if answer.status_code < 500 else 1)


@group.command("scripts")
@click.option("--accept", is_flag=True, help="Take them as they are now for right.")
def list_scripts(accept: bool) -> None:  # noqa: FBT001 - an option
    """List every script that pages can load, with what it is for, and which ones were changed."""
    themes: Themes = open_site().extensions["obolo_themes"]
    for one in scripts.inventory(themes.worn):
        click.echo(f"{one.digest or 'elsewhere':64}  {one.owner}: {one.src}")
        click.echo(f"{'':66}{one.reason or 'no reason is given'}")
    if accept:
        for taken in scripts.accept(themes.worn, actor=ACTOR):
            click.echo(f"accepted: {taken.owner}: {taken.src}")
    changed = scripts.check(themes.worn)
    for other in changed:
        what = "new" if not other.accepted else "changed" if other.found else "gone"
        click.echo(f"{what}: {other.owner}: {other.src}", err=True)
    sys.exit(1 if changed else 0)


COMMANDS = (group,)
