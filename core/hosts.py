"""Under which names the site is reached: a public one, or only from this machine or network."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection

from core.errors import Refused

NOWHERE = ("localhost", "local", "localdomain", "internal", "home.arpa", "test", "invalid")
"""Names below these mean nothing in the public internet (RFC 6761, RFC 6762, RFC 8375, ICANN)."""


class _Site:
    """What is fixed for this process."""

    names: tuple[str, ...] = ()


def set_names(names: Collection[str]) -> None:
    """Say under which names the site is reached: `trusted_hosts` of its configuration."""
    _Site.names = tuple(names)


def is_public_host() -> bool:
    """Tell whether strangers can reach the site: one of its names means something to them."""
    return any(_is_public(name) for name in _Site.names)


def check_mode(mode: str) -> None:
    """Refuse keys of a provider that do not belong on this site; `mode` is live or test.

    Live keys would take real money for whoever tries the site out on this machine, and test keys on
    a public site would open everything for nothing. Raises Refused.
    """
    if mode == "live" and not is_public_host():
        raise Refused(
            "These are live keys, and this site has no public address. Use test keys here, or name "
            "its public address under “trusted_hosts” in obolo.toml."
        )
    if mode == "test" and is_public_host():
        raise Refused(
            "These are test keys, and this site has a public address: everybody could buy for "
            "nothing. Use live keys here."
        )


def _is_public(name: str) -> bool:
    host = _without_port(name.strip().lower().strip("."))
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        parts = host.split(".")
        return len(parts) > 1 and not host.endswith(tuple(f".{end}" for end in NOWHERE))


def _without_port(name: str) -> str:
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name if name.count(":") > 1 else name.partition(":")[0]
