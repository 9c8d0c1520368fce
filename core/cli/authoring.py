"""obolo plugins new, test, check, pack and obolo db make: the author's kit.

The tests of a plugin run in a process of their own: this program, started again as pytest.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import click

from core.cli import checking, packing, scaffolding
from core.cli.house import db
from core.cli.opened import open_site
from core.cli.plugins import ACTOR, group
from core.plugins import find_plugins, plugin_folders, switching
from core.plugins.catalogues import compile_stale
from core.plugins.preflight import ROOT, NotReady

QUESTION = "What is it: something in a text, a gate, a way to pay, a check of orders, or a page"
NO_PYTEST = (
    "pytest is not installed here. Run: {python} -m pip install --require-hashes -r "
    "{root}/requirements-dev.lock"
)


@group.command()
@click.argument("name")
@click.option("--kind", type=click.Choice(scaffolding.KINDS), prompt=QUESTION)
@click.option("--no-enable", is_flag=True, help="Write it, and leave it off.")
def new(name: str, kind: str, no_enable: bool) -> None:  # noqa: FBT001 - an option
    """Write a new plugin that works, with tests, into the site's own folder, and switch it on."""
    open_site()
    found, _ = find_plugins(plugin_folders())
    if name in found:
        raise click.ClickException(f"There is a plugin {name} already: {found[name].folder}")
    folder = plugin_folders()[0] / name
    written = scaffolding.scaffold(kind, name, folder)
    compile_stale(folder)
    click.echo(f"{folder}")
    for path in written:
        click.echo(f"  {path.relative_to(folder)}")
    if not no_enable:
        try:
            switching.switch_on(name, actor=ACTOR)
        except NotReady as error:
            click.echo(error.report.detail, err=True)
            raise click.ClickException(str(error)) from None
        click.echo(f"{name} is on. Next: obolo plugins test {name}")


@group.command(context_settings={"ignore_unknown_options": True})
@click.argument("name")
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def test(name: str, options: tuple[str, ...]) -> None:
    """Run a plugin's own tests; what follows goes to pytest, such as `-k words`."""
    if importlib.util.find_spec("pytest") is None:
        raise click.ClickException(NO_PYTEST.format(python=sys.executable, root=ROOT))
    tests = _folder(name) / "tests"
    if not tests.is_dir():
        raise click.ClickException(f"{tests} is not there.")
    ended = subprocess.run(  # noqa: S603 - this same program, as pytest
        [
            sys.executable, "-m", "pytest", "-q", "--disable-plugin-autoload", "-p", "core.testing",
            "-p", "no:cacheprovider",
            "-c", os.devnull, "--rootdir", tests, "--confcutdir", tests,
            "--import-mode", "importlib", *options, tests,
        ],
        cwd=ROOT, check=False,
    )  # fmt: skip
    sys.exit(ended.returncode)


@group.command()
@click.argument("name")
def check(name: str) -> None:
    """Say what is wrong with a plugin, one thing a line; exit 1 when something is."""
    findings = checking.check(_folder(name))
    for one in findings:
        click.echo(f"{'WRONG' if one.is_wrong else 'note '}  {one.place}: {one.sentence}")
    wrong = sum(one.is_wrong for one in findings)
    click.echo(f"Wrong: {wrong}" if wrong else f"{name} is in order.")
    sys.exit(1 if wrong else 0)


@group.command()
@click.argument("name")
@click.option("--into", type=click.Path(path_type=Path), default=Path("dist"), show_default=True)
def pack(name: str, into: Path) -> None:
    """Write a wheel of a plugin, which pip installs on any site."""
    wheel = packing.pack(_folder(name), into)
    click.echo(f"{wheel} ({wheel.stat().st_size:,} bytes). Install: pip install --no-deps {wheel}")


@db.command()
@click.argument("name")
@click.argument("text")
def make(name: str, text: str) -> None:
    """Write the next numbered migration of a plugin, to be filled in."""
    click.echo(scaffolding.next_migration(_folder(name), text))


def _folder(name: str) -> Path:
    """Return a plugin's folder, with its words compiled, and run none of its code."""
    home = Path(os.environ.get("OBOLO_HOME") or "instance").absolute()
    found, broken = find_plugins(plugin_folders() or [home / "plugins"])
    folder = found[name].folder if name in found else None
    if folder is None and name in broken:
        folder = next(
            (one / name for one in (home / "plugins", ROOT / "plugins") if (one / name).is_dir()),
            None,
        )
    if folder is None:
        raise click.ClickException(f"There is no plugin {name}.")
    for line in compile_stale(folder):
        click.echo(f"WRONG  {line}")
    return folder


COMMANDS = (group, db)
"""The groups that these commands stand in."""
