"""A balance with the site: paid in once by a few euro, spent by one tap, given back if unspent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from flask import Blueprint
from markupsafe import Markup

from core import Health, Order, Periodic, Provider, Question, Reader, Refusal, hookimpl
from plugins.wallet import caps, expiring, filling, law, notes, wishes
from plugins.wallet.provider import Wallet
from plugins.wallet.views import pages


@hookimpl
def register_provider() -> Provider:
    """Let readers pay from their balance."""
    return cast("Provider", Wallet())  # its mode follows the others', so it is no plain attribute


@hookimpl
def register_blueprint() -> Blueprint:
    """Show a reader's balance, and take and give back what is in it."""
    return pages


@hookimpl
def register_tasks() -> Iterable[Periodic]:
    """Look at low balances, and at those that expire, where the owner wants that."""
    return (
        Periodic("wallet.low", 60, filling.look_at_low),
        Periodic("wallet.expire", 86_400, expiring.expire_due),
    )


@hookimpl
def ask(order: Order) -> Iterable[Question]:
    """Ask a guest who pays in more than a little for a way back to it."""
    return (caps.question(order),) if caps.needs_way_back(order) else ()


@hookimpl
def review(order: Order, reader: Reader) -> Refusal | None:
    """Keep to the caps, and to each reader's own balance."""
    return caps.refusal_of(order, reader)


@hookimpl
def reserve(order: Order) -> None:
    """Keep the address that a guest gave as the way back."""
    caps.keep_way_back(order)


@hookimpl
def render_slot(slot: str, context: Mapping[str, object]) -> Markup | None:
    """Show the balance in the navigation, and say after a text that it is low."""
    return notes.drawn(slot)


@hookimpl
def erase_reader(holder: str) -> str | None:
    """Forget wishes and reminders; a balance is a debt and stays until it is given back."""
    wishes.erase(holder)
    return expiring.erase(holder)


@hookimpl
def export_reader(holder: str) -> Mapping[str, Sequence[Mapping[str, object]]] | None:
    """Give a reader what they want to happen when their balance is low."""
    rows = wishes.export(holder)
    return {"low": rows} if rows else None


@hookimpl
def on_payment_failed(order: Order) -> None:
    """Charge no balance's top-up again by itself once one was declined."""
    filling.payment_failed(order.id)


@hookimpl
def check_health() -> Iterable[Health]:
    """Say how near the site is to what the law wants to be told of balances."""
    yield from law.health()
