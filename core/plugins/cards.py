"""What plugins say of resources and texts: cards, further fields, directives."""

from __future__ import annotations

from collections.abc import Mapping

from core.plugins.caller import each, first
from core.plugins.declarations import Embed, Field, ResourceCard
from core.plugins.loaded import catalogue


def card_of(resource: str) -> ResourceCard | None:
    """Return what the plugin that owns a resource says of it."""
    card: ResourceCard | None = first("describe", resource=resource)
    return card


def fields_of(kind: str) -> list[Field]:
    """Return the further fields that plugins give to resources of a kind."""
    return [one for _, some in each("register_fields", kind=kind) for one in some]


def embeds() -> Mapping[str, Embed]:
    """Return what draws directives on this site, by name."""
    return catalogue.embeds
