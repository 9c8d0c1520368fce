"""What is said in words: to readers beside an offer, to the owner beside the settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from flask import render_template
from markupsafe import Markup

from core import Money, Offer, current_reader, draft, site_currency, value, what_remains
from plugins.passes.keys import opens_singly
from plugins.passes.pricing import label
from plugins.passes.selling import sold
from plugins.passes.spending import OWN


def drawn(slot: str, context: Mapping[str, object]) -> Markup | None:
    """Return the piece for a place, None for those that are not ours."""
    if slot == "offer.facts":
        return _facts(cast("Offer", context["offer"]))
    if slot == "settings.after" and context["plugin"] == "passes":
        return _worth()
    return None


def _facts(offer: Offer) -> Markup | None:
    """Say the most of a day beside what it holds for, and what is taken off a price."""
    currency, cap = site_currency(), value("passes.day_cap")
    grants = [grant for line in offer.lines for grant in line.grants]
    is_capped = cap and any(opens_singly(one.key, one.lasts) for one in grants)
    order = draft(current_reader(), offer.lines)
    off: dict[str, int] = {}
    for line in order.lines:
        if OWN in line.data:
            off[line.data[OWN]] = off.get(line.data[OWN], 0) + line.amount.minor
    reached = "cap" in off
    facts = [(label(rule), Money(minor, currency)) for rule, minor in off.items() if rule != "cap"]
    if not is_capped and not facts:
        return None
    return _template(
        "passes/facts.html", most=Money(cap, currency) if is_capped else None, reached=reached,
        free=not order.total, facts=facts,
    )  # fmt: skip


def _worth() -> Markup:
    """Say what remains of each price that is set, and from which price on one can be paid alone."""
    currency = site_currency()
    found = [(one, what_remains(one.price)) for one in sold()]
    ways = what_remains(Money.of_units(1, currency))
    least = min(
        ((way.label, way.least) for way in ways if way.least), key=lambda one: one[1].minor,
        default=None,
    )  # fmt: skip
    cap = value("passes.day_cap")
    return _template(
        "passes/worth.html", found=found, least=least, cap=Money(cap, currency) if cap else None
    )


def _template(name: str, **about: object) -> Markup:
    return Markup(render_template(name, **about))  # noqa: S704 - a template
