"""Pay for a text and give it away: a link that opens it once, for whoever has it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from flask import Blueprint
from markupsafe import Markup

from core import Gate, Health, Order, Periodic, Reader, ResourceCard, gettext, hookimpl
from plugins.gifts import giving, notes, records
from plugins.gifts.views import pages


@hookimpl
def register_blueprint() -> Blueprint:
    """Sell gifts, show them to who gave them, and let them be opened."""
    return pages


@hookimpl
def register_tasks() -> Iterable[Periodic]:
    """Give back the money of gifts that nobody opened in time."""
    return (Periodic("gifts.expire", 86_400, giving.expire_due),)


@hookimpl
def guard(resource: str, reader: Reader, gate: Gate | None) -> Gate | None:
    """Let the gifts that this reader took open the resource, while their payment stands."""
    keys = records.keys_of(resource, reader.holders)
    if not keys:
        return None
    if gate is None:
        return Gate(keys, lambda: None)
    return Gate(gate.keys | keys, gate.offers)


@hookimpl
def describe(resource: str) -> ResourceCard | None:
    """Name a gift in the libraries of who gave and who took it."""
    return notes.card(resource)


@hookimpl
def reserve(order: Order) -> None:
    """Write a gift down with the order that pays it, and take one with the order that opens it."""
    for line in order.lines:
        if records.GIFT in line.data:
            records.keep(order, line)
        if records.TAKEN in line.data:
            records.take(str(line.data[records.TAKEN]), order.holder)


@hookimpl
def on_order_expired(order: Order) -> None:
    """Forget a gift that was never paid."""
    records.forget(order.id)


@hookimpl
def render_slot(slot: str, context: Mapping[str, object]) -> Markup | None:
    """Stand beside the purchase, and below the text after it."""
    return notes.drawn(slot, context)


@hookimpl
def check_health() -> Iterable[Health]:
    """Say of how many gifts the money could not be given back."""
    yield from giving.health()


@hookimpl
def export_reader(holder: str) -> Mapping[str, Sequence[Mapping[str, object]]] | None:
    """Give somebody the list of what they gave away, and took."""
    rows = records.export(holder)
    return {"gifts": rows} if rows else None


@hookimpl
def erase_reader(holder: str) -> str | None:
    """Say that gifts stay: the one is whoever has the link's, the other its taker's."""
    if not records.export(holder):
        return None
    return str(gettext("What you gave away can still be opened by whoever has the link."))
