"""Bank transfer: a reference to write, a QR code to scan, a statement to match."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Blueprint

from core import Health, Provider, hookimpl
from plugins.banktransfer import desk
from plugins.banktransfer.accounts import account
from plugins.banktransfer.provider import BankTransfer
from plugins.banktransfer.views import pages

__all__ = ["desk"]


@hookimpl
def register_provider() -> Provider:
    """Offer to pay by bank transfer, once the account is set."""
    return BankTransfer(account)


@hookimpl
def register_blueprint() -> Blueprint:
    """Show how to pay, and to staff what came in."""
    return pages


@hookimpl
def check_health() -> Iterable[Health]:
    """Say whether there is an account to which readers can pay."""
    if account() is None:
        return [Health("A right IBAN and the holder’s name are missing.", ok=False)]
    return [Health("Readers can pay to this account.")]
