"""Home: what needs attention, what came in, what sells, and the first steps of a new owner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, redirect, url_for
from flask_babel import gettext as _

from core import figures, settings
from core.clock import now
from core.figures import last_days
from core.people import current_reader
from core.plugins import Query, catalogue, each
from core.settings import value
from core.storage import backup, execute
from core.web.admin import drawing, health
from core.web.admin.navigation import allowed_places
from core.web.admin.shell import admin_page
from core.web.callers import callers

blueprint = Blueprint("admin_home", __name__, url_prefix="/admin/home")
CHECKLIST, SPAN, TOP = "admin.checklist", 30, 5


@dataclass(frozen=True, slots=True)
class Step:
    """One of the first steps: what it is, whether it is done, and where it is done."""

    words: str
    done: bool
    address: str = ""


@blueprint.get("/")
@callers("admin.enter")
def show() -> Response:
    """Show the day at a glance; money only to whoever may see orders."""
    may = current_reader().permissions
    span = last_days(SPAN, now())
    sales = drawing.sold(span)
    context: dict[str, Any] = {
        "draw": drawing.TOOLS, "top": drawing.named(sales, TOP),
        "funnel": drawing.way_to_a_sale(sales), "money": None, "matters": None, "steps": None,
        "said": health.said, "remedy": health.remedy, "plays": drawing.mode() == "test",
    }  # fmt: skip
    if "orders.view" in may:
        context |= {"money": _money(span), "matters": health.attention()}
    if "settings.change" in may and value(CHECKLIST):
        context["steps"] = first_steps()
    return admin_page("admin/home.html", **context)


def _money(span: figures.Span) -> dict[str, Any]:
    """Return the money of today, 7 and 30 days, each beside the days before, and a chart."""
    spans = {days: last_days(days, now()) for days in (1, 7, SPAN)}
    tiles = [(days, drawing.taken(one), drawing.taken(one.before)) for days, one in spans.items()]
    return {
        "tiles": tiles, "kinds": drawing.by_kind(tiles[-1][1]),
        "waited": drawing.time_to_text(figures.waited(span, mode=drawing.mode())),
    }  # fmt: skip


def first_steps() -> list[Step]:
    """Return the six points of a new owner's list; what is done is seen from the site itself."""
    cards = [card for _name, some in each("list_resources", query=Query()) for card in some]
    sections = {place.section: place.address for place in reversed(allowed_places())}
    paid = execute("SELECT 1 FROM orders_order WHERE state = 'paid' LIMIT 1").fetchone()
    live = any(provider.mode == "live" for provider in catalogue.providers.values())
    return [
        Step(_("Say in one line what the site is about"), bool(value("site.tagline")),
             sections.get("settings", "")),
        Step(_("Write something"), bool(cards), sections.get("posts", "")),
        Step(_("Put a price on it"), any("price" in card.fields for card in cards),
             sections.get("posts", "")),
        Step(_("Buy it yourself, with play money"), paid is not None, "/"),
        Step(_("Choose how you get paid"), live, sections.get("plugins", "")),
        Step(_("Make a backup"), bool(backup.listed(health.home())), sections.get("settings", "")),
    ]  # fmt: skip


@blueprint.post("/checklist")
@callers("settings.change")
def hide_checklist() -> Any:
    """Put the checklist away, for everybody; the settings bring it back."""
    settings.save(CHECKLIST, value=False, actor=current_reader().holder)
    return redirect(url_for("admin_home.show"), 303)
