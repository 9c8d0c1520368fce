"""A tab: read now, pay later. Small prices are put on it, and one payment settles them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from flask import Blueprint
from markupsafe import Markup

from core import Health, Periodic, Provider, hookimpl
from plugins.tab import debts, losses, notes
from plugins.tab.provider import Tab
from plugins.tab.views import pages


@hookimpl
def register_provider() -> Provider:
    """Let readers pay later."""
    return cast("Provider", Tab())  # its mode follows the others', so it is no plain attribute


@hookimpl
def register_blueprint() -> Blueprint:
    """Show a reader's tab, and settle it."""
    return pages


@hookimpl
def register_tasks() -> Iterable[Periodic]:
    """Write off what nobody settled."""
    return (Periodic("tab.write_off", 86_400, losses.write_off_due),)


@hookimpl
def render_slot(slot: str, context: Mapping[str, object]) -> Markup | None:
    """Show in the navigation, at closed texts and on a nearly full tab what is owed."""
    return notes.drawn(slot, context)


@hookimpl
def export_reader(holder: str) -> Mapping[str, Sequence[Mapping[str, object]]] | None:
    """Tell when a tab was opened and what of it was written off; the books have its items."""
    return debts.export(holder)


@hookimpl
def erase_reader(holder: str) -> str | None:
    """Forget where the tab was opened; what is owed stays in the books, which name nobody."""
    return debts.erase(holder)


@hookimpl
def check_health() -> Iterable[Health]:
    """Say how much of what was put on tabs is never paid."""
    yield from losses.health()
