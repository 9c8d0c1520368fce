"""What a reader holds, and the receipts for it."""

from __future__ import annotations

from flask import Blueprint, Response, render_template

from core import entitlements, orders
from core.errors import NotFound
from core.payments import records
from core.people import current_reader
from core.plugins import Query, card_of, each
from core.web.callers import callers

blueprint = Blueprint("library", __name__, url_prefix="/library")


def _private(page: str) -> Response:
    response = Response(page)
    response.headers["Cache-Control"] = "private, no-store"
    return response


@blueprint.get("/")
@callers("anyone")
def show() -> Response:
    """List what the reader may open, and every order with what became of it."""
    reader = current_reader()
    held = entitlements.of_holders(reader.holders)
    shown = [(one, card_of(one.key)) for one in held]
    query = Query(language=reader.language, limit=3)
    others = (
        [] if held else [card for _, some in each("list_resources", query=query) for card in some]
    )
    ordered = orders.of_holders(reader.holders)
    return _private(
        render_template("library/library.html", held=shown, others=others[:3], orders=ordered)
    )


@blueprint.get("/<id>")
@callers("anyone")
def receipt(id: str) -> Response:
    """Show the receipt of one order."""
    reader = current_reader()
    order = orders.find(id)
    if order.holder not in reader.holders or order.state == "open":
        raise NotFound("There is no such order.")
    payment = records.find(order.payment) if order.payment else None
    refunds = records.refunds(payment) if payment else []
    return _private(
        render_template("library/receipt.html", order=order, payment=payment, refunds=refunds)
    )
