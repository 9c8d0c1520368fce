"""The jar's own page, the form behind every jar, and the thanks."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, url_for

from core import (
    Line,
    allow_door,
    callers,
    gettext,
    give_holder,
    local_path,
    order_and_pay,
    way_back,
)
from plugins.tipjar.jar import chosen, draw

pages = Blueprint("tipjar", __name__, url_prefix="/x/tipjar")


@pages.get("/")
@callers("anyone")
def jar() -> str:
    """Show the jar; from a button on another site the thanks lead back there."""
    return render_template("tipjar/page.html", jar=draw({}, way_back()))


@pages.post("/")
@callers("anyone")
def tip() -> Any:
    """Order a tip of the chosen amount and go on to pay it."""
    allow_door("tip")
    amount = chosen(request.form)
    back = local_path(request.form.get("back", "/"))
    line = Line(gettext("A tip"), amount, "income:tips")
    return order_and_pay(give_holder(), (line,), url_for("tipjar.thanks", back=back))


@pages.get("/thanks")
@callers("anyone")
def thanks() -> str:
    """Say thanks, and lead back to where the jar stood."""
    return render_template("tipjar/thanks.html", back=local_path(request.args.get("back", "/")))
