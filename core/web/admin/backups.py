"""Backups: which there are, how old, one more now, and how one is brought back."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, redirect, request, url_for

from core import audit, tasks
from core.clock import now
from core.errors import BadInput
from core.people import current_reader
from core.storage import backup, transaction
from core.web.admin.health import home
from core.web.admin.shell import admin_page
from core.web.callers import callers
from core.web.doors import told
from core.web.files import send_open

blueprint = Blueprint("admin_backups", __name__, url_prefix="/admin/backups")


@blueprint.get("/")
@callers("keys.manage")
def show() -> Response:
    """List the backups in the site's folder, newest first."""
    return _page()


def _page(status: int = 200, **more: Any) -> Response:
    kept = backup.listed(home())
    return admin_page(
        "admin/backups.html", status, kept=kept, home=home(), asked="asked" in request.args,
        days=(now() - kept[0].made).days if kept else None,
        **more,
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


@blueprint.post("/download")
@callers("keys.manage", confirmed=True)
def download() -> Response:
    """Send a backup, to whoever knows that not all of it is sealed."""
    me, name = current_reader(), request.form.get("name", "")
    path = backup.path_of(home(), name)
    if request.form.get("sure") != "yes":
        error = BadInput("Please tick that you know what can be read in it.")
        return _page(422, error=told(error), wrong=name)
    with transaction():
        audit.record("backup.download", actor=me.holder, subject=name, address=me.address)
    return send_open(path.open("rb"), name, "application/gzip")
