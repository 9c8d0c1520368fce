"""My data: take it along, or have it erased."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, render_template, request
from flask_babel import gettext as _

from core import limits
from core.doors import leaving
from core.people import current_reader, users
from core.people.signed_in import take_session
from core.web.callers import callers
from core.web.doors import private

blueprint = Blueprint("personal", __name__, url_prefix="/account/data")


@blueprint.get("/")
@callers("user")
def show() -> Response:
    """Show what can be taken along, and what erasing means."""
    return _page()


def _page(status: int = 200, error: str = "") -> Response:
    user = users.find(current_reader().holder)
    return private(render_template("account/data.html", user=user, error=error), status)


@blueprint.post("/export")
@callers("user", confirmed=True)
def export() -> Response:
    """Send everything in one file."""
    reader = current_reader()
    limits.allow("export", address=reader.address, account=reader.holder)
    response = Response(leaving.archive(reader), content_type="application/zip")
    response.headers["Content-Disposition"] = 'attachment; filename="my-data.zip"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


@blueprint.post("/erase")
@callers("user", confirmed=True)
def erase() -> Any:
    """Erase the user, once they have ticked that it is for ever."""
    reader = current_reader()
    if request.form.get("sure") != "yes":
        return _page(422, _("Please tick that you mean it."))
    stays = leaving.erase(reader.holder, actor=reader.holder, address=reader.address)
    take_session()
    return private(render_template("account/erased.html", stays=stays))
