"""What plugins say of a resource: its card, and the further fields that it may have."""

from __future__ import annotations

from core.plugins.caller import each, first
from core.plugins.declarations import Field, ResourceCard


def card_of(resource: str) -> ResourceCard | None:
    """Return what the plugin that owns a resource says of it."""
    card: ResourceCard | None = first("describe", resource=resource)
    return card


def fields_of(kind: str) -> list[Field]:
    """Return the further fields that plugins give to resources of a kind."""
    return [one for _, some in each("register_fields", kind=kind) for one in some]
