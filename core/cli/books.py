"""obolo ledger, reconcile, refund: the books, from the command line."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta

import click

from core import checkout, figures
from core.cli.opened import open_site
from core.clock import now
from core.money import Money
from core.payments import inbox, lines
from core.plugins import catalogue
from core.reconcile import reconcile
from core.storage import execute, transaction
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
    found = [(mode, one) for mode in ("live", "test") for one in figures.unassigned(mode)]
    for mode, one in sorted(found, key=lambda pair: pair[1].at):
        test = "test " if mode == "test" else ""
        payment = f"{one.payment} ({one.wrong})" if one.wrong else one.payment
        click.echo(f"{one.at:%Y-%m-%d %H:%M} {one.amount} {test}{one.key} {one.order} {payment}")
    if not found:
        click.echo("Nothing is unassigned.")


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
@click.option("--provider", default="", help="Explain this provider's own account instead.")
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="The day, in UTC; else yesterday.")
def reconcile_now(provider: str, day: datetime | None) -> None:
    """Ask providers about what is open, settle the inbox, close what was left.

    With a provider, compare a day of its account with the books; exit 1 for what differs.
    """
    _open()
    if not provider:
        click.echo(f"{reconcile(now())} looked at.")
        return
    if provider not in catalogue.providers:
        raise click.ClickException(f"There is no provider {provider}, or its plugin is off.")
    on = (day or now() - timedelta(days=1)).date()
    found = checkout.explain(catalogue.providers[provider], on)
    for line in lines.between(provider, *lines.bounds(on)):
        amount, fee = Money(line.minor, line.currency), Money(line.fee, line.currency)
        click.echo(f"{line.at:%H:%M} {line.kind:8} {amount!s:>14} fee {fee!s:>12} {line.id}")
    for one in found:
        click.echo(f"DIFFERS {one.problem:8} {one.amount!s:>14} {one.subject}")
    click.echo(f"{provider} on {on}: {len(found)} differences.")
    sys.exit(1 if found else 0)


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
