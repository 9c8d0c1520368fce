"""Into the administration, and from anywhere in it to anywhere else."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, request, url_for

from core.errors import Refused
from core.payments.searching import Wanted, find
from core.people import current_reader
from core.web.admin.navigation import Place, allowed_places
from core.web.admin.shell import admin_page
from core.web.callers import callers

blueprint = Blueprint("admin", __name__, url_prefix="/admin")


@blueprint.get("/")
@callers("admin.enter")
def enter() -> Any:
    """Lead to the first page that the reader may see."""
    places = allowed_places()
    if not places:
        raise Refused("There is nothing here for your role yet.")
    return redirect(places[0].address, 303)


@blueprint.get("/go")
@callers("admin.enter")
def go() -> Any:
    """List all pages, or those whose names hold the words; the number of an order leads to it."""
    words = request.args.get("q", "").strip()[:100]
    if words and "orders.view" in current_reader().permissions:
        sales = find(Wanted(number=words), limit=2)
        if len(sales) == 1:
            return redirect(url_for("admin_orders.order", id=sales[0].order.id), 303)
    found = [place for place in allowed_places() if _fits(place, words)]
    return admin_page("admin/go.html", words=words, found=found)


def _fits(place: Place, words: str) -> bool:
    return all(word in place.label.casefold() for word in words.casefold().split())
