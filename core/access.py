"""Decide whether this reader may open this resource."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from core import entitlements, plugins
from core.orders import Offer
from core.people import Reader


def _no_offers() -> tuple[Offer, ...]:
    """Sell nothing: the gate stands, and only its keys open it."""
    return ()


@dataclass(frozen=True, slots=True)
class Gate:
    """Stands before a resource; any one of `keys` opens it.

    `offers` is called only when the reader holds none of the keys. It returns what sells them; an
    answer of None means that the gate does not stand after all, because the resource is free.
    """

    keys: frozenset[str]
    offers: Callable[[], tuple[Offer, ...] | None] = _no_offers


@dataclass(frozen=True, slots=True)
class Access:
    """Whether a resource is open, what sells the missing keys, and whether a key was used."""

    open: bool
    offers: tuple[Offer, ...] = ()
    held: bool = False


def decide(resource: str, reader: Reader) -> Access:
    """Ask the plugins for gates, and the entitlements for keys.

    `guard` is asked in the order of the enabled list; each plugin sees the gate so far and may
    answer a wider one. Each gate of `require` must open as well. Raises PluginFailed: a gate whose
    plugin fails stays shut.
    """
    gate: Gate | None = None
    for one in plugins.implementations("guard"):
        asked = {"resource": resource, "reader": reader, "gate": gate}
        if (answer := plugins.call("guard", one, asked)) is not None:
            gate = _watched(one.plugin, answer)
    gates = [] if gate is None else [gate]
    required = plugins.each("require", resource=resource, reader=reader)
    gates += [_watched(plugin, further) for plugin, further in required]
    shut, held = [], False
    for standing in gates:
        if entitlements.holds_any(reader.holders, standing.keys):
            held = True
            continue
        offers = standing.offers()
        if offers is not None:
            shut.append(offers)
    return Access(not shut, tuple(offer for offers in shut for offer in offers), held)


def _watched(plugin: str, gate: Gate) -> Gate:
    """Return a gate whose offers are asked as a hook is."""
    return Gate(gate.keys, partial(plugins.run, plugin, "offers", gate.offers))
