"""The audit log: who did what, and whether anything of it was changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask import Blueprint, Response, request
from flask_babel import lazy_gettext as _

from core import audit
from core.audit import Event, Wanted
from core.people import current_reader, users
from core.storage import to_json
from core.web.admin.listing import Asked, Filter, show_list
from core.web.callers import callers

blueprint = Blueprint("admin_audit", __name__, url_prefix="/admin/audit")


@blueprint.get("/")
@callers("audit.view")
def show() -> Response:
    """List events, newest first; `?check=1` compares all of them with their seals."""
    filters = (
        Filter("action", _("What"), "choice", tuple((one, one) for one in audit.actions())),
        Filter("actor", _("Who (number)")),
        Filter("subject", _("To what (number)")),
        Filter("from", _("From"), "day"),
        Filter("to", _("Until"), "day"),
    )
    number, digest = audit.EVENTS.head()
    return show_list(
        "admin/audit.html", filters, _found, as_row=_row, seals=number, digest=digest,
        checked=request.args.get("check") == "1",
        broken=audit.EVENTS.broken() if request.args.get("check") == "1" else [],
        names=_names() if "people.view" in current_reader().permissions else {},
    )  # fmt: skip


def _found(asked: Asked) -> Sequence[Event]:
    wanted = Wanted(
        asked["action"], asked["actor"], asked["subject"], asked.since("from"), asked.until("to")
    )
    return audit.search(wanted, limit=asked.limit, offset=asked.offset)


def _row(event: Event) -> Mapping[str, object]:
    return {
        "at": event.at.isoformat(), "action": event.action, "actor": event.actor,
        "subject": event.subject, "address": event.address, "data": to_json(dict(event.data)),
    }  # fmt: skip


def _names() -> Mapping[str, str]:
    """Return what staff are called, by id: most of what is looked up here was done by them."""
    return {one.id: one.name or one.email for one in users.listed(staff_only=True)}
