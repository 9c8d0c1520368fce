"""What a reader holds, and the receipts for it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for

from core import audit, doors, entitlements, orders, tasks
from core.entitlements import Entitlement
from core.errors import BadInput, NotFound
from core.payments import methods, records
from core.people import contacts, current_reader, users
from core.plugins import Query, card_of, each
from core.storage import after_commit, transaction
from core.web.callers import callers
from core.web.doors import after_answer, guest, link_address, private, told

blueprint = Blueprint("library", __name__, url_prefix="/library")


@blueprint.get("/")
@callers("anyone")
def show() -> Response:
    """List what the reader may open, and every order with what became of it."""
    return _shown()


def _shown(status: int = 200, **more: Any) -> Response:
    reader = current_reader()
    held = best_of(entitlements.of_holders(reader.holders))
    shown = [(one, card_of(one.key)) for one in held]
    query = Query(language=reader.language, limit=3)
    others = (
        [] if held else [card for _, some in each("list_resources", query=query) for card in some]
    )
    ordered = orders.of_holders(reader.holders)
    page = render_template(
        "library/library.html", held=shown, others=others[:3], orders=ordered,
        methods=methods.of_holders(reader.holders), **more,
    )  # fmt: skip
    return private(page, status)


def best_of(held: Iterable[Entitlement]) -> list[Entitlement]:
    """Return one for each key, what opens longest: two guests of one user may both have bought."""
    best: dict[str, Entitlement] = {}
    for one in held:
        if one.key not in best or _worth(one) > _worth(best[one.key]):
            best[one.key] = one
    return list(best.values())


def _worth(one: Entitlement) -> tuple[bool, bool, datetime]:
    return one.state == "active", one.until is None, one.until or one.starts


@blueprint.post("/contact")
@callers("anyone")
def keep_contact() -> Any:
    """Note where a guest's receipts go, and send a code by which they keep what they have."""
    reader = current_reader()
    if not reader.holder or reader.user:
        raise NotFound("There is nothing to keep yet.")
    email = request.form.get("email", "")
    try:
        code_id = doors.ask(
            email, guest(), link_address, to=url_for("library.show"), later=after_answer
        )
    except BadInput as error:
        return _shown(422, error=told(error), email=email)
    contacts.keep(reader.holder, users.clean_email(email), reader.language)
    return redirect(url_for("doors.code", id=code_id, to=url_for("library.show")), 303)


@blueprint.post("/methods/<id>/remove")
@callers("anyone")
def remove_method(id: str) -> Any:
    """Forget a way to pay that the reader kept: nobody can charge it, and its provider is told."""
    me = current_reader()
    with transaction():
        if not methods.remove(id, me.holders):
            raise NotFound("This way of paying is no longer kept.")
        audit.record("method.remove", actor=me.holder, subject=id, address=me.address)
        after_commit(lambda: tasks.enqueue("methods"))
    return redirect(url_for("library.show", _anchor="methods"), 303)


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
    return private(
        render_template("library/receipt.html", order=order, payment=payment, refunds=refunds)
    )
