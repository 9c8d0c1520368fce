"""obolo ledger, reconcile, refund: the books, from the command line."""

from __future__ import annotations

import sys

import click

from core import checkout
from core.cli.opened import open_site
from core.clock import now
from core.ledger import UNASSIGNED
from core.money import Money
from core.payments import inbox
from core.reconcile import reconcile
from core.storage import execute, instant, transaction
from core.verify import verify


def _open() -> None:
    open_site()


@click.group()
def ledger() -> None:
    """The books."""


@ledger.command("verify")
def check() -> None:
    """Check every invariant; print what does not hold and exit 1."""
    _open()
    faults = verify()
    for fault in faults:
        click.echo(f"{fault.invariant:10} {fault.subject}: {fault.detail}")
    entries = execute("SELECT COUNT(*) FROM ledger_entry").fetchone()[0]
    click.echo(f"{entries} entries, {len(faults)} faults.")
    sys.exit(1 if faults else 0)


@ledger.command()
def unassigned() -> None:
    """Show money that came in and belongs to no order, or went out for no line."""
    _open()
    rows = execute(
        "SELECT entry.at, leg.account, leg.minor, leg.currency, entry.key, "
        "COALESCE(entry.order_id, '') FROM ledger_leg leg "
        "JOIN ledger_entry entry ON entry.id = leg.entry_id "
        "WHERE leg.account IN (?, ?) ORDER BY entry.id",
        [UNASSIGNED, f"test:{UNASSIGNED}"],
    ).fetchall()
    for at, account, minor, currency, key, order in rows:
        mode = "test " if account.startswith("test:") else ""
        amount = Money(-minor, currency)
        click.echo(f"{instant(at):%Y-%m-%d %H:%M} {amount} {mode}{key} {order} {_payment_of(key)}")
    if not rows:
        click.echo("Nothing is unassigned.")


def _payment_of(key: str) -> str:
    """Return the payment whose movement an entry's key names, and what is wrong with it."""
    provider, kind, movement = (*key.split(":", 2), "", "")[:3]
    while movement:
        row = execute(
            "SELECT payment.id, payment.wrong FROM payments_movement movement "
            "JOIN payments_payment payment ON payment.id = movement.payment_id "
            "WHERE movement.provider = ? AND movement.kind = ? AND movement.id = ?",
            [provider, kind, movement],
        ).fetchone()
        if row is not None:
            return f"{row[0]} ({row[1]})" if row[1] else str(row[0])
        movement = movement.rpartition(":")[0]
    return ""


@ledger.command()
def balances() -> None:
    """Show what each account holds: debits above zero."""
    _open()
    for account, currency, minor in execute(
        "SELECT account, currency, SUM(minor) FROM ledger_leg GROUP BY account, currency ORDER "
        "BY account, currency"
    ).fetchall():
        click.echo(f"{account:40} {Money(int(minor), currency)}")


@click.command("reconcile")
def reconcile_now() -> None:
    """Ask providers about what is open, settle the inbox, close what was left."""
    _open()
    click.echo(f"{reconcile(now())} looked at.")


@click.command("refund")
@click.argument("order")
@click.argument("lines", nargs=-1, required=True)
@click.option("--reason", required=True)
@click.option("--to", default="", help="A provider that keeps the money for the reader.")
def refund(order: str, lines: tuple[str, ...], reason: str, to: str) -> None:
    """Give back lines of an order, in minor units: `obolo refund ord_... 1=20 --reason "asked"`."""
    _open()
    try:
        wanted = {
            int(number): int(minor) for number, _, minor in (line.partition("=") for line in lines)
        }
    except ValueError:
        raise click.ClickException("Write each line as NUMBER=MINOR, such as 1=20.") from None
    done = checkout.refund(order, wanted, actor="cli", reason=reason, to=to)
    click.echo(f"{done.id}: {done.amount} {done.state}")


@click.command("replay")
@click.argument("provider")
@click.argument("event")
def replay(provider: str, event: str) -> None:
    """Settle a delivery of the inbox again."""
    _open()
    with transaction():
        found = inbox.replay(provider, event)
    if not found:
        raise click.ClickException("There is no such delivery.")
    click.echo(f"{reconcile(now())} looked at.")


COMMANDS = (ledger, reconcile_now, refund, replay)
