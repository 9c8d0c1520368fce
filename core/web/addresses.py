"""Addresses that come from outside."""

from __future__ import annotations

from urllib.parse import urlsplit


def local_path(address: str, otherwise: str = "/") -> str:
    """Return a path of this site as it is, `otherwise` for what could lead elsewhere."""
    parts = urlsplit(address)
    plain = address.isprintable() and "\\" not in address and len(address) <= 500
    if plain and address.startswith("/") and not address.startswith("//") and not parts.netloc:
        return address
    return otherwise
