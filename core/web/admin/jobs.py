"""Work behind the pages: what waits, what failed, and how to have it tried again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for

from core import audit, mail, notices, tasks
from core.clock import now
from core.errors import Conflict, NotFound
from core.payments import inbox, records
from core.people import current_reader
from core.storage import transaction
from core.web.admin.shell import admin_page
from core.web.callers import callers

blueprint = Blueprint("admin_jobs", __name__, url_prefix="/admin/jobs")
MOST, RECENT = 100, 5


@blueprint.get("/")
@callers("settings.change")
def show() -> Response:
    """List deliveries, notices, messages and payments that wait, and when what was done last."""
    names_too = "people.view" in current_reader().permissions
    return admin_page(
        "admin/jobs.html", now=now(), deliveries=inbox.unsettled()[:MOST],
        settled=inbox.settled(RECENT), untold=notices.untold()[:MOST],
        messages=mail.outbox(limit=MOST, unsent=True), sent=mail.outbox(limit=RECENT),
        names_too=names_too, payments=records.looked_at(MOST), periods=tasks.periods(),
    )  # fmt: skip


Again = Callable[[str, str], bool]
AGAIN: dict[str, tuple[Again, str, str]] = {
    "delivery": (inbox.replay, "delivery.replay", "reconcile"),
    "notice": (lambda plugin, cause: notices.retell(cause, plugin), "notice.retell", "notices"),
    "message": (lambda _, id: mail.resend(id), "message.resend", "mail"),
    "payment": (lambda _, id: records.look_now(id), "payment.look", "reconcile"),
}
"""By kind: what has it tried again, how the audit log calls that, the work that then does it."""


@blueprint.post("/<kind>")
@callers("settings.change", confirmed=True)
def again(kind: str) -> Any:
    """Have one thing tried again, at once."""
    if kind not in AGAIN:
        raise NotFound("There is no such page.")
    try_again, action, work = AGAIN[kind]
    whose, id = request.form.get("whose", "")[:300], request.form.get("id", "")[:300]
    me = current_reader()
    with transaction():
        if not try_again(whose, id):
            raise Conflict("This does not wait any more.")
        audit.record(action, actor=me.holder, subject=id, address=me.address, of=whose)
        tasks.enqueue(work)
    return redirect(url_for("admin_jobs.show", _anchor=kind), 303)
