"""Home: what needs attention, what came in, what sells, and the first steps of a new owner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, redirect, url_for
from flask_babel import gettext as _

from core import figures, founding, settings
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
        "setup": founding.reached(),
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
    """Return what a new owner does first: the steps of the set-up, and what comes after them.

    What is done is seen from the site itself, where it can be.
    """
    cards = [card for _name, some in each("list_resources", query=Query()) for card in some]
    paid = execute("SELECT 1 FROM orders_order WHERE state = 'paid' LIMIT 1").fetchone()
    live = any(provider.mode == "live" for provider in catalogue.providers.values())
    done = {
        "site": bool(value("site.tagline")) or founding.is_past("site"),
        "you": founding.is_past("you"), "look": founding.is_past("look"), "pay": live,
        "post": any("price" in card.fields for card in cards),
    }  # fmt: skip
    words = {
        "site": _("Say what the site is called and what it is about"),
        "you": _("Say who you are, and see what protects you"), "look": _("Choose how it looks"),
        "pay": _("Choose how you get paid"), "post": _("Write something and put a price on it"),
    }  # fmt: skip
    backups = next((one.address for one in allowed_places() if "backups" in one.address), "")
    return [
        *(
            Step(words[name], done[name], url_for("admin_setup.step", name=name))
            for name in founding.STEPS
        ),
        Step(_("Buy it yourself, with play money"), paid is not None, "/"),
        Step(_("Make a backup"), bool(backup.listed(health.home())), backups),
    ]


@blueprint.post("/checklist")
@callers("settings.change")
def hide_checklist() -> Any:
    """Put the checklist away, for everybody; the settings bring it back."""
    settings.save(CHECKLIST, value=False, actor=current_reader().holder)
    return redirect(url_for("admin_home.show"), 303)
