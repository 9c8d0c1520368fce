"""Passes for a day, a week or a month, a most that a day costs, and all posts of a tag at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from markupsafe import Markup

from core import Gate, Line, Offer, Order, Reader, ResourceCard, hookimpl
from plugins.passes import notes, pricing, selling
from plugins.passes.keys import POSTS, is_pass, opening


@hookimpl
def describe(resource: str) -> ResourceCard | None:
    """Say what a pass is, for the library of who has one."""
    if not is_pass(resource):
        return None
    return ResourceCard(resource, "pass", selling.title_of(resource), "/")


@hookimpl
def guard(resource: str, reader: Reader, gate: Gate | None) -> Gate | None:
    """Let passes open a post that is closed, and sell them beside it."""
    if gate is None or not resource.startswith(POSTS):
        return None
    return Gate(gate.keys | opening(resource), partial(_offers, resource, gate))


def _offers(resource: str, gate: Gate) -> tuple[Offer, ...] | None:
    singly = gate.offers()
    return (*singly, *selling.offers_for(resource)) if singly else singly


@hookimpl
def add_lines(order: Order) -> Iterable[Line]:
    """Take off what the rules take off."""
    return pricing.lines_for(order)


@hookimpl
def reserve(order: Order) -> None:
    """Look again, now that nobody else orders for this reader, whether the price still holds."""
    pricing.refuse_changed(order)


@hookimpl
def render_slot(slot: str, context: Mapping[str, object]) -> Markup | None:
    """Say on the panel what counts toward a price, and to the owner what remains of one."""
    return notes.drawn(slot, context)
