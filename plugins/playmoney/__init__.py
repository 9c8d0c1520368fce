"""Play money: a provider that behaves like a real one, and takes nothing from anybody."""

from __future__ import annotations

from flask import Blueprint

from core import Provider, hookimpl, value
from plugins.playmoney.chosen import transport
from plugins.playmoney.commands import group
from plugins.playmoney.provider import PlayMoney
from plugins.playmoney.views import pages

__all__ = ["group"]


@hookimpl
def register_provider() -> Provider:
    """Offer to pay with play money."""
    return PlayMoney(transport, value("playmoney.payee"))


@hookimpl
def register_blueprint() -> Blueprint:
    """Show the bank's page, where a person pays."""
    return pages
