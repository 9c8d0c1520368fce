"""Plugins: found by their folder, checked, put in order, called one by one."""

from core.plugins.caller import call, changes, each, first, fold, implementations, render
from core.plugins.declarations import (
    Embed,
    Field,
    Periodic,
    Query,
    Refusal,
    ResourceCard,
    card_of,
    catalogue,
    data_folder,
    embeds,
    fields_of,
    set_home,
)
from core.plugins.loader import Found, drop, find_plugins, load
from core.plugins.manifest import API_VERSION, Manifest, read_manifest

__all__ = [
    "API_VERSION",
    "Embed",
    "Field",
    "Found",
    "Manifest",
    "Periodic",
    "Query",
    "Refusal",
    "ResourceCard",
    "call",
    "card_of",
    "catalogue",
    "changes",
    "data_folder",
    "drop",
    "each",
    "embeds",
    "fields_of",
    "find_plugins",
    "first",
    "fold",
    "implementations",
    "load",
    "read_manifest",
    "render",
    "set_home",
]
