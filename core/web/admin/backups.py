"""Backups: which there are, how old, one more now, and how one is brought back."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, redirect, request, url_for

from core import audit, tasks
from core.clock import now
from core.people import current_reader
from core.storage import backup, transaction
from core.web.admin.health import home
from core.web.admin.shell import admin_page
from core.web.callers import callers

blueprint = Blueprint("admin_backups", __name__, url_prefix="/admin/backups")


@blueprint.get("/")
@callers("keys.manage")
def show() -> Response:
    """List the backups in the site's folder, newest first."""
    kept = backup.listed(home())
    return admin_page(
        "admin/backups.html", kept=kept, home=home(), asked="asked" in request.args,
        days=(now() - kept[0].made).days if kept else None,
    )  # fmt: skip


@blueprint.post("/")
@callers("keys.manage", confirmed=True)
def make() -> Any:
    """Have one made behind the pages, while the site runs on."""
    me = current_reader()
    with transaction():
        audit.record("backup.ask", actor=me.holder, address=me.address)
        tasks.enqueue("backup")
    return redirect(url_for("admin_backups.show", asked=1), 303)
