"""Three rules for prices: they fall with age, or readers choose them, or a few texts are free."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from flask import Blueprint
from markupsafe import Markup

from core import Field, Gate, Health, Line, Order, Reader, Refusal, hookimpl
from plugins.prices import chosen, falling, metered
from plugins.prices.views import drawn, pages


@hookimpl
def register_blueprint() -> Blueprint:
    """Take the amount that a reader chose."""
    return pages


@hookimpl
def register_fields(kind: str) -> Iterable[Field]:
    """Let a text be paid what its reader wants: `pay_what_you_want: yes`."""
    return (Field(chosen.FIELD, "bool", chosen.LABEL, chosen.check),)


@hookimpl
def guard(resource: str, reader: Reader, gate: Gate | None) -> Gate | None:
    """Offer some of what is sold free, while this reader has some left."""
    return metered.widened(gate, resource, reader)


@hookimpl
def add_lines(order: Order) -> Iterable[Line]:
    """Take off what a text has lost with its age."""
    return falling.discounts(order)


@hookimpl
def review(order: Order, reader: Reader) -> Refusal | None:
    """Count who opens something free, by reader and by network."""
    return metered.refusal_of(order, reader)


@hookimpl
def reserve(order: Order) -> None:
    """Count once more in the order's transaction: two taps at one time are two."""
    metered.keep_to_most(order)


@hookimpl
def render_slot(slot: str, context: Mapping[str, object]) -> Markup | None:
    """Stand in the panel of a text whose price its reader chooses."""
    return drawn(context) if slot == "panel.after" else None


@hookimpl
def check_health() -> Iterable[Health]:
    """Say whether the steps of falling prices can be read."""
    yield from falling.health()
