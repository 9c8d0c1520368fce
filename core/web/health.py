"""Whether the process lives, and whether it can do its work."""

from __future__ import annotations

from flask import Blueprint, Response

from core.storage import execute
from core.web.callers import callers

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@callers("anyone")
def alive() -> Response:
    """Say that the process answers."""
    return Response("ok\n", content_type="text/plain; charset=utf-8")


@blueprint.get("/readyz")
@callers("anyone")
def ready() -> Response:
    """Say that the database answers too; 500 when it does not."""
    execute("SELECT number FROM ledger_seal LIMIT 1").fetchone()
    return Response("ready\n", content_type="text/plain; charset=utf-8")
