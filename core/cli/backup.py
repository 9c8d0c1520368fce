"""obolo backup: put a running site into one file, look whether it is whole, bring it back."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from core import app as site
from core import audit, storage
from core import config as configuration
from core.config import Config
from core.errors import OboloError
from core.payments import records
from core.people import sessions, tokens
from core.plugins import find_plugins
from core.storage import Migrations, archive, cells, classes, execute, files, instant, transaction
from core.storage import backup as backups
from core.storage.archive import Manifest
from core.verify import verify

CORE_MIGRATIONS = site.ROOT / "core" / "migrations"
LOOK_BACK = timedelta(days=180)
"""How old a payment may be that was refunded or disputed since; cards allow about 120 days."""


@dataclass
class Found:
    """What a look at a copy found: entries, what does not hold, payments to ask about."""

    entries: int = 0
    payments: int = 0
    wrong: list[str] = field(default_factory=list)

    def look(self, config: Config, home: Path) -> None:
        """Open the keys, which erases anew who was erased since; check books, cells and files."""
        storage.open_keys(config.keys)
        files.set_folder(home / "files")
        self.entries = execute("SELECT COUNT(*) FROM ledger_entry").fetchone()[0]
        self.wrong = [f"{one.invariant}: {one.subject}: {one.detail}" for one in verify()]
        self.wrong += [f"vault: {one}" for _, told in cells.verify() for one in told]
        self.wrong += [f"file: {id}: {why}" for id, why in files.faults()]

    def tell(self) -> None:
        """Say it, and exit with 1 when something is wrong."""
        for line in self.wrong:
            click.echo(f"WRONG  {line}")
        click.echo(f"{self.entries} entries, {len(self.wrong)} faults.")
        sys.exit(1 if self.wrong else 0)


@click.group()
def backup() -> None:
    """Backups: the database, the files, the wrapped keys; never the key-encryption key."""


@backup.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
def create(file: Path | None) -> None:
    """Write a backup while the site runs, to FILE or below `backups` in the site's folder."""
    config = configuration.load()
    storage.connect(config.database)
    if not Migrations("core", CORE_MIGRATIONS).applied():
        site.migrate()  # a site that never ran; an older one is kept as it is
    storage.open_keys(config.keys)
    if file is None:
        target, manifest = backups.make(config.home, config.database)
    else:
        target, manifest = file, backups.create(file, home=config.home, url=config.database)
    click.echo(f"{target}: {target.stat().st_size} bytes, {_files(manifest)} files.")
    click.echo(f"The keys are not in it: keep {config.keys} apart.")


@backup.command("verify")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--database", default="", help="An empty PostgreSQL database to try it in.")
def check(file: Path, database: str) -> None:
    """Check each digest, then the books, cells and files of the copy; exit 1 on a fault."""
    config = configuration.load()
    manifest = archive.check(file)
    click.echo(f"{len(manifest.members)} members are whole, made at {_made(manifest)}.")
    if manifest.database == backups.POSTGRES and not database:
        click.echo("The books were not looked at: name an empty database by --database.")
        return
    found = Found()
    with TemporaryDirectory(dir=file.absolute().parent, prefix=".verify-") as folder:
        home = Path(folder)
        url = database or f"sqlite:///{home}/obolo.db"

        def look(_manifest: Manifest) -> None:
            site.migrate()
            found.look(config, home)

        backups.restore(
            file, home=home, url=url, histories=_histories(config), finish=look, rehearsal=True
        )
        storage.close()
    found.tell()


@backup.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--home", "new", required=True, type=click.Path(path_type=Path))
@click.option("--keys", type=click.Path(path_type=Path), help="The keys to put into the new site.")
def restore(file: Path, new: Path, keys: Path | None) -> None:
    """Bring FILE back into a new folder, which holds the site's keys and no site.

    Who was erased since stays erased, every session ends, and every payment that may have changed
    is looked up.
    """
    new = new.absolute()
    _put_keys(new, keys)
    config = configuration.load(new)
    found = Found()

    def finish(manifest: Manifest) -> None:
        site.migrate()
        found.look(config, config.home)
        with transaction():
            sessions.end_everywhere(actor="cli")
            tokens.revoke_everywhere(actor="cli")
            found.payments = records.look_again(instant(manifest.made) - LOOK_BACK)
            audit.record("backup.restored", actor="cli", made=manifest.made)

    manifest = backups.restore(
        file, home=new, url=config.database, histories=_histories(config), finish=finish
    )
    click.echo(f"{new} is as it was at {_made(manifest)}.")
    click.echo(f"{found.payments} payments are looked up as soon as the site or its worker runs.")
    found.tell()


def _made(manifest: Manifest) -> str:
    return f"{instant(manifest.made):%Y-%m-%d %H:%M:%S} UTC"


def _files(manifest: Manifest) -> int:
    return sum(name.startswith("files/") for name in manifest.members)


def _histories(config: Config) -> Mapping[str, Path]:
    """Return the folders of migrations of core and of every plugin that is here, on or off."""
    found, _ = find_plugins([Path(folder) for folder in config.plugin_folders])
    for plugin in found.values():
        classes.declare(plugin.manifest.columns)  # they have cells, whether they are on or off
    plugins = {name: plugin.folder / "migrations" for name, plugin in found.items()}
    return {"core": CORE_MIGRATIONS, **plugins}


def _put_keys(home: Path, keys: Path | None) -> None:
    """Copy the site's keys into a new home, for their owner only."""
    if keys is None:
        return
    if (home / "keys").exists():
        raise OboloError("{home} has keys already.", home=home)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copytree(keys, home / "keys")
    for path in (home / "keys").iterdir():
        path.chmod(0o600)
    (home / "keys").chmod(0o700)


COMMANDS = (backup,)
