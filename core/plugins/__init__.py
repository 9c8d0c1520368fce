"""Plugins: found by their folder, checked, put in order, called one by one."""

from core.plugins.caller import call, each, fold, implementations, render
from core.plugins.catalogue import (
    Embed,
    Field,
    Periodic,
    Query,
    Refusal,
    ResourceCard,
    catalogue,
)
from core.plugins.loader import Found, drop, find_plugins, load
from core.plugins.manifest import Manifest, read_manifest

__all__ = [
    "Embed",
    "Field",
    "Found",
    "Manifest",
    "Periodic",
    "Query",
    "Refusal",
    "ResourceCard",
    "call",
    "catalogue",
    "drop",
    "each",
    "find_plugins",
    "fold",
    "implementations",
    "load",
    "read_manifest",
    "render",
]
