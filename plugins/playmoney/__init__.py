"""Play money: a provider that behaves like a real one, and takes nothing from anybody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask import Blueprint, render_template
from markupsafe import Markup

from core import Health, Provider, hookimpl, value
from plugins.playmoney.chosen import is_local, transport
from plugins.playmoney.commands import group
from plugins.playmoney.provider import PlayMoney
from plugins.playmoney.views import pages

__all__ = ["group"]


@hookimpl
def register_provider() -> Provider:
    """Offer to pay with play money."""
    return PlayMoney(transport, value("playmoney.payee"))


@hookimpl
def check_health() -> Iterable[Health]:
    """Ask the bank for a payment that does not exist: it must be there, and know our secret."""
    if is_local():
        return [Health("The bank runs within this site.")]
    transport().look_up(value("playmoney.payee"), "check")
    return [Health("The bank answers, and shares this site’s secret.")]


@hookimpl
def register_blueprint() -> Blueprint:
    """Show the bank's page, where a person pays."""
    return pages


@hookimpl
def render_slot(slot: str, context: Mapping[str, Any]) -> Markup | None:
    """Offer a button that pays on the spot, where the owner wants to see how that looks."""
    is_place = slot in ("paywall.express", "checkout.express") and "playmoney" in context["ways"]
    if not (is_place and value("playmoney.express") and is_local()):
        return None
    return Markup(render_template("playmoney/express.html", amount=context["amount"]))  # noqa: S704
