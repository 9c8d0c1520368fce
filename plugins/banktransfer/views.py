"""How to pay: the page that a reader is led to, and can come back to."""

from __future__ import annotations

from flask import Blueprint, Response, render_template

from core import NotFound, callers, current_reader, use_language
from plugins.banktransfer import qr, records
from plugins.banktransfer.accounts import account
from plugins.banktransfer.words import details

pages = Blueprint(
    "banktransfer", __name__, static_folder="static", static_url_path="/x/banktransfer/static"
)


@pages.get("/x/banktransfer/<id>")
@callers("anyone")
def show(id: str) -> Response:
    """Show a reader where their own transfer goes, while it is waited for."""
    kept, mine = records.find(id), current_reader().holders
    to = account()
    if kept is None or to is None or kept.holder not in mine:
        raise NotFound("There is no such payment.")
    use_language(kept.language)
    page = render_template(
        "banktransfer/pay.html", transfer=kept, details=details(kept, to),
        picture=qr.picture(to, kept.amount, kept.reference), has_come=bool(records.paid(kept.id)),
        is_seen=records.is_seen(kept.id),
    )  # fmt: skip
    return Response(page, headers={"Cache-Control": "private, no-store"})
