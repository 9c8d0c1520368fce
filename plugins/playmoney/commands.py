"""The commands `obolo playmoney pay`, `dispute` and `decide`: what people do at the bank."""

from __future__ import annotations

from typing import Literal, cast

import click
from flask.cli import AppGroup

from core import Money, NotFound, Refused, value
from plugins.playmoney.bank import WAYS, Bank, Way
from plugins.playmoney.chosen import is_local, local_bank
from plugins.playmoney.views import pages

group = cast("AppGroup", pages.cli)
group.short_help = "Do at the bank of play money what people do there."


def _bank() -> Bank:
    if not is_local():
        raise Refused("The bank runs elsewhere; ask it there.")
    return local_bank()


@group.command("pay", with_appcontext=False)
@click.argument("ref")
@click.argument("how", type=click.Choice(WAYS))
@click.option("--instead", type=int, help="Charge this instead, in minor units, as a bank errs.")
def pay(ref: str, how: str, instead: int | None = None) -> None:
    """Choose a button on the bank's page for the payment REF."""
    bank = _bank()
    amount = None if instead is None else Money(instead, bank.report(ref).currency)
    bank.pay(ref, cast("Way", how), slow_seconds=0, instead=amount)


@group.command("dispute", with_appcontext=False)
@click.argument("ref")
def dispute(ref: str) -> None:
    """Take back what is left of the payment REF, until it is decided."""
    bank = _bank()
    bank.dispute(ref, bank.report(ref).left)


@group.command("pay-out", with_appcontext=False)
def pay_out() -> None:
    """Send what this site has earned to its bank account."""
    _bank().pay_out(value("playmoney.payee"))


@group.command("decide", with_appcontext=False)
@click.argument("ref")
@click.argument("verdict", type=click.Choice(("won", "lost")))
def decide(ref: str, verdict: str) -> None:
    """End the open dispute of the payment REF."""
    bank = _bank()
    waiting = [one.id for one in bank.report(ref).disputes if one.verdict == "pending"]
    if not waiting:
        raise NotFound("There is no open dispute.")
    bank.decide(waiting[0], cast("Literal['won', 'lost']", verdict))
