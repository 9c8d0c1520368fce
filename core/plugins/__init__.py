"""Plugins: found by their folder, checked, put in order, called one by one."""

from core.plugins import breaker, connections, enabled, preflight, switching, watching
from core.plugins.caller import call, each, first, fold, implementations, render, run
from core.plugins.cards import card_of, embeds, fields_of
from core.plugins.declarations import (
    Embed,
    Field,
    Health,
    MachineRequest,
    Periodic,
    Query,
    Refusal,
    ResourceCard,
    Toll,
    data_folder,
    plugin_folders,
    set_home,
    site_home,
)
from core.plugins.loaded import Loaded, catalogue, changes, go_live, loaded, serving
from core.plugins.loader import Found, assemble, find_plugins, hooks_of, load
from core.plugins.manifest import API_VERSION, Manifest, read_manifest

__all__ = [
    "API_VERSION",
    "Embed",
    "Field",
    "Found",
    "Health",
    "Loaded",
    "MachineRequest",
    "Manifest",
    "Periodic",
    "Query",
    "Refusal",
    "ResourceCard",
    "Toll",
    "assemble",
    "breaker",
    "call",
    "card_of",
    "catalogue",
    "changes",
    "connections",
    "data_folder",
    "each",
    "embeds",
    "enabled",
    "fields_of",
    "find_plugins",
    "first",
    "fold",
    "go_live",
    "hooks_of",
    "implementations",
    "load",
    "loaded",
    "plugin_folders",
    "preflight",
    "read_manifest",
    "render",
    "run",
    "serving",
    "set_home",
    "site_home",
    "switching",
    "watching",
]
