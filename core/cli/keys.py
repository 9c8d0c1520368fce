"""obolo keys: the site's keys, their age, their change, their safe places and their end."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

import click

from core import app as site
from core import audit, storage
from core import config as configuration
from core.cli.home import open_vault
from core.storage import cells, execute, rotation, shares, transaction, vault
from core.storage import keys as ring
from core.storage.keys import KeysMissing


@click.group("keys")
def keys() -> None:
    """The keys that seal what is personal or secret."""


@keys.command("init")
def init() -> None:
    """Make the key-encryption key of a site that has none; what is there stays as it is."""
    config = configuration.load()
    storage.connect(config.database)
    site.migrate()
    there = sorted(config.keys.glob("kek-*.key"))
    wrapped = execute("SELECT 1 FROM keys_key WHERE state <> 'destroyed' LIMIT 1").fetchone()
    if wrapped is not None and not there:
        raise KeysMissing(
            f"The database has keys that a lost file wraps. Put kek-*.key back into {config.keys}, "
            "or run `obolo keys recover`."
        )
    path = there[-1] if there else configuration.make_kek(config.keys)
    storage.open_keys(config.keys)
    click.echo(f"{path} is {'there already' if there else 'made'}. Keep a copy elsewhere.")


@keys.command()
@click.option("--json", "as_json", is_flag=True, help="For a machine: every key.")
def status(*, as_json: bool) -> None:
    """Show keys, their age, what they seal, and which rotations are under way."""
    open_vault()
    found = cells.status()
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for kek in found["keks"]:
        mark = "wraps new keys" if kek["current"] else ""
        click.echo(f"kek-{kek['id']}.key  {kek['keys']} keys  {mark}")
    for name, one in found["classes"].items():
        click.echo(
            f"{name:24} {one['keys']} keys, the oldest {one['oldest_days']} days; {one['cells']} "
            f"cells, {one['share_on_newest']:.0%} by the newest"
        )
    for name in found["under_way"]:
        click.echo(f"{name}: a rotation is under way; run its command again")
    click.echo(f"{found['shredded']} subjects were erased.")


def _show(work: Iterator[int], total: int) -> int:
    """Draw the progress of a rotation; return how much was done."""
    done = 0
    with click.progressbar(length=max(total, 1)) as bar:
        for number in work:
            done += number
            bar.update(number)
        bar.update(max(total - done, 0))
    return done


@keys.command("rotate-kek")
def rotate_kek() -> None:
    """Wrap all keys by a new key-encryption key."""
    open_vault()
    ((total,),) = execute("SELECT COUNT(*) FROM keys_key WHERE state <> 'destroyed'").fetchall()
    done = _show(rotation.rotate_kek(), total)
    _record("keys.rotate_kek", ring.current_kek())
    click.echo(
        f"{done} keys are wrapped by kek-{ring.current_kek()}.key now. Keep the former file as "
        "long as you keep backups from before, then delete it."
    )


@keys.command("rotate-dek")
@click.option(
    "--class", "subjects", required=True, help="person, shop:settings, shop:mail or shop:fiscal"
)
def rotate_dek(subjects: str) -> None:
    """Seal all cells of a class by new keys, and destroy the old ones."""
    if subjects != "person" and not subjects.startswith("shop:"):
        raise click.BadParameter("Write person, or one of the shop's own such as shop:mail.")
    open_vault()
    counted = cells.status()["classes"].get(subjects, {"cells": 0})
    done = _show(rotation.rotate_dek(subjects), counted["cells"])
    _record("keys.rotate_dek", subjects)
    click.echo(f"{done} cells were sealed anew.")


@keys.command("rotate-index")
@click.option("--column", required=True, help="table.column, such as people_user.email")
def rotate_index(column: str) -> None:
    """Make the blind index of a column anew."""
    open_vault()
    total = cells.status()["classes"].get(vault.INDEX, {"cells": 0})["cells"]
    done = _show(rotation.rotate_index(column), total)
    _record("keys.rotate_index", column)
    click.echo(f"{done} indexes were made anew.")


@keys.command()
@click.option("--subject", required=True, help="person:<id>, or one of the shop's own")
@click.option("--yes", is_flag=True, help="Do not ask.")
def shred(subject: str, *, yes: bool) -> None:
    """Destroy all keys of a subject: what they sealed cannot be read any more, ever."""
    open_vault()
    if not yes and click.prompt("This cannot be undone. Type the subject again") != subject:
        raise click.ClickException("That is another one; nothing was destroyed.")
    with transaction():
        done = ring.shred(subject)
        audit.record("keys.shred", actor="cli", subject=subject, keys=done)
    click.echo(f"{done} keys of {subject} are destroyed.")


@keys.command()
def verify() -> None:
    """Open every key and every sealed cell; print what cannot be read and exit 1."""
    open_vault()
    faults: list[str] = []
    total = cells.count_sealed()
    with click.progressbar(length=max(total, 1)) as bar:
        for number, told in cells.verify():
            faults += told
            bar.update(number)
    for fault in faults:
        click.echo(fault)
    click.echo(f"{total} cells, {len(faults)} faults.")
    sys.exit(1 if faults else 0)


@keys.command()
@click.option("--shares", "number", default=5, show_default=True)
@click.option("--threshold", default=3, show_default=True)
def escrow(number: int, threshold: int) -> None:
    """Print shares of the key-encryption key for several hands; so many of them recover it."""
    open_vault()
    current = ring.current_kek()
    for line in shares.split(ring.load_again()[current], number, threshold):
        click.echo(line)
    _record("keys.escrow", current)
    click.echo(f"Give each to another person. Any {threshold} make kek-{current}.key again.")


@keys.command()
@click.argument("texts", metavar="SHARE...", nargs=-1)
def recover(texts: tuple[str, ...]) -> None:
    """Make the key file from shares; without arguments they are read from the standard input."""
    config = configuration.load()
    kek = shares.join(texts or sys.stdin.read().split())
    path = config.keys / f"kek-{configuration.kek_fingerprint(kek)}.key"
    there = path.exists()
    configuration.make_kek(config.keys, kek)
    click.echo(f"{path} is {'there already' if there else 'made'}.")


def _record(action: str, subject: str) -> None:
    with transaction():
        audit.record(action, actor="cli", subject=subject)


COMMANDS = (keys,)
