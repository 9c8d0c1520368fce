"""The form in which a reader types an amount: in the panel, and on a page when it is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, redirect, render_template, request
from markupsafe import Markup

from core import (
    BadInput,
    NotFound,
    allow_door,
    callers,
    current_reader,
    decide,
    gettext,
    give_holder,
    local_path,
    order_and_pay,
)
from plugins.prices import chosen

pages = Blueprint("prices", __name__, url_prefix="/x/prices")


def drawn(context: Mapping[str, Any]) -> Markup | None:
    """Draw the form for a resource whose author lets its readers choose; nothing for others."""
    resource, line = context["resource"], chosen.sold(context["offers"], context["resource"])
    if line is None or not chosen.is_open_to_choice(resource):
        return None
    lowest = chosen.least(current_reader())
    if lowest is None:
        return None
    page = render_template(
        "prices/form.html", resource=resource, least=lowest, back=f"{context['back']}#opened"
    )
    return Markup(page)  # noqa: S704 - a template, which escapes


@pages.post("/chosen")
@callers("anyone")
def pay() -> Any:
    """Order a resource at the amount that its reader chose, and go on to pay it."""
    allow_door("checkout")
    reader, resource = give_holder(), request.form.get("resource", "")
    back = local_path(request.form.get("back", "/"))
    access = decide(resource, reader)
    if access.open:
        return redirect(back, 303)
    line = chosen.sold(access.offers, resource)
    if line is None or not chosen.is_open_to_choice(resource):
        raise NotFound("This is no longer offered.")
    own = request.form.get("own", "")
    try:
        line = chosen.line_for(line, own, reader)
    except BadInput as error:
        return render_template(
            "prices/page.html", resource=resource, back=back, own=own, title=line.label,
            error=gettext(error.message).format(**error.values), least=chosen.least(reader),
        ), 422  # fmt: skip
    return order_and_pay(reader, (line,), back)
