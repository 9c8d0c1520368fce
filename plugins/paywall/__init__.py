"""A price on a resource: whoever paid holds its key for ever, everybody else sees the offer."""

from __future__ import annotations

from collections.abc import Iterable

from core import Field, Gate, Grant, Line, Offer, Reader, gettext, hookimpl
from plugins.paywall.prices import LABEL, check, price_of


@hookimpl
def register_fields(kind: str) -> Iterable[Field]:
    """Let posts and pages have a price: `price: 0.20 EUR`, or `free`."""
    return (Field("price", "money", LABEL, check),)


@hookimpl
def guard(resource: str, reader: Reader, gate: Gate | None) -> Gate:
    """Put the resource's own key before it; its price is asked for only when that is not held."""

    def offers() -> tuple[Offer, ...] | None:
        priced = price_of(resource)
        if priced is None:
            return None if gate is None else gate.offers()
        card, price = priced
        line = Line(card.title, price, f"income:{card.kind}s", (Grant(resource),))
        offer = Offer("paywall", gettext("Read this for ever"), (line,))
        further = gate.offers() if gate is not None else None
        return (offer, *(further or ()))

    return Gate((gate.keys if gate else frozenset()) | {resource}, offers)
