"""The way back to another site's page from which somebody came by a button.

Who may be led back to is the owner's to say: hosts by a setting, pages by a signature that the
administration makes. So no address that a stranger writes leads anywhere.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from urllib.parse import quote, urlencode, urlsplit

from flask import Flask, current_app, request, url_for

from core.settings import value

LONGEST = 300
"""How long an address may be, encoded: it goes into the path that an order returns to."""


def install(app: Flask, keys: Sequence[bytes]) -> None:
    """Take the keys that sign: the first one signs, all are accepted."""
    app.extensions["obolo_returns"] = tuple(keys)


def host_of(address: str) -> str:
    """Return the host of a page, `example.org` or `example.org:8443`; empty when it is none."""
    try:
        parts = urlsplit(address)
        is_page = parts.scheme == "https" and parts.hostname and "@" not in parts.netloc
        plain = address.isascii() and address.isprintable() and not set(' "<>\\') & set(address)
        fits = len(quote(address, safe="")) <= LONGEST
        return parts.netloc.lower() if is_page and plain and fits else ""
    except ValueError:
        return ""


def is_allowed(address: str) -> bool:
    """Tell whether the owner lets buttons lead back to this page's host."""
    host = host_of(address)
    return bool(host) and host in value("embed.hosts").lower().split()


def signed(address: str) -> str:
    """Return the query by which a button leads back to a page; empty for hosts not allowed."""
    if not is_allowed(address):
        return ""
    return "?" + urlencode({"back": address, "proof": _proofs(address)[0]})


def _proofs(address: str) -> list[str]:
    keys: tuple[bytes, ...] = current_app.extensions["obolo_returns"]
    return [hmac.new(key, address.encode(), hashlib.sha256).hexdigest()[:32] for key in keys]


def page_before() -> str:
    """Return the other site's page that this request's address names; empty unless it is signed."""
    address, proof = request.args.get("back", ""), request.args.get("proof", "")
    if not is_allowed(address):
        return ""
    shown = proof.encode()
    is_ours = any(hmac.compare_digest(one.encode(), shown) for one in _proofs(address))
    return address if is_ours else ""


def way_back() -> str:
    """Return the path of this site that leads back to where a button stood; empty when nowhere.

    It can be kept with an order like any other path: see `local_path`.
    """
    page = page_before()
    return url_for("buttons.back") + signed(page) if page else ""
