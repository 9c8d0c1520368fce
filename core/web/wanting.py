"""What a request wants to read: a page or a document for machines."""

from __future__ import annotations

from functools import lru_cache

from flask import request
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header


def wants_json() -> bool:
    """Tell whether a machine asks: it accepts JSON and says nothing of HTML."""
    return _is_machine(request.environ.get("HTTP_ACCEPT", ""))


@lru_cache(maxsize=1024)
def _is_machine(accept: str) -> bool:
    accepted = parse_accept_header(accept, MIMEAccept)
    best = accepted.best_match(["text/html", "application/json"])
    return best == "application/json" and accepted["application/json"] > accepted["text/html"]
