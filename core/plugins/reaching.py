"""Where a plugin may reach by the one client: the hosts that its manifest declares, and no other.

Whose call it is says the mark of what works at this moment, else the module that calls. A host with
a port is that port only; `setting:bank_url` is the host of the address that the owner has set.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import wraps
from time import monotonic
from typing import ParamSpec
from urllib.parse import urlsplit

from core import audit, http
from core.errors import NotFound
from core.http import HttpRefused, Response
from core.plugins import watching
from core.plugins.declarations import plugin_folders
from core.plugins.loaded import catalogue
from core.plugins.loader import find_plugins
from core.plugins.manifest import SETTING, Manifest
from core.settings import value
from core.storage import transaction

Given = ParamSpec("Given")
REFUSED = "plugins.host_refused"
AUDIT_AGAIN_SECONDS = 3_600.0
"""A plugin that calls in a loop is audited once in this time for each host."""
_audited: dict[tuple[str, str], float] = {}


def by_manifest(call: Callable[Given, Response]) -> Callable[Given, Response]:
    """Return the client for plugins: a host that is not declared is refused and audited."""

    @wraps(call)
    def request(*given: Given.args, **named: Given.kwargs) -> Response:
        url = str(given[1] if len(given) > 1 else named["url"])
        _refuse_undeclared(url, sys._getframe(1).f_globals.get("__name__", ""))  # noqa: SLF001 - who calls
        return call(*given, **named)

    return request


def _refuse_undeclared(url: str, module: str) -> None:
    manifest = _whose(module)
    if manifest is None:
        raise HttpRefused("It is not known which plugin calls.")
    place = _place(url)
    if place.isdisjoint(declared(manifest)):
        host = min(place, default="", key=len)
        _audit(manifest.name, host)
        raise HttpRefused(f"{host or url[:100]} is not among the hosts of {manifest.name}.")


def declared(manifest: Manifest) -> Iterator[str]:
    """Yield the hosts that a plugin declares, with those that its settings name now."""
    for host in manifest.touches.hosts:
        if host.startswith(SETTING):
            with suppress(NotFound):  # a plugin that is not loaded has no settings
                yield from _place(str(value(f"{manifest.name}.{host.removeprefix(SETTING)}")))
        else:
            yield host.lower()


def _place(url: str) -> frozenset[str]:
    """Return the host of an address, with its port and without."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or http.PORTS.get(parts.scheme, 0)
    except ValueError:
        return frozenset()
    return frozenset({host, f"{host}:{port}"} if host else ())


def _whose(module: str) -> Manifest | None:
    work = watching.at_work()
    manifests = catalogue.manifests
    if work is not None and work.plugin in manifests:
        return manifests[work.plugin]
    found, _ = find_plugins(plugin_folders())  # a command, a thread of its own, a test
    for one in found.values():
        if f"{module}.".startswith(f"{one.module}."):
            return manifests.get(one.name, one.manifest)
    return None


def _audit(plugin: str, host: str) -> None:
    at = monotonic()
    if at - _audited.get((plugin, host), -AUDIT_AGAIN_SECONDS) >= AUDIT_AGAIN_SECONDS:
        _audited[plugin, host] = at
        with transaction():
            audit.record(REFUSED, actor=plugin, subject=host)


request = by_manifest(http.request)
