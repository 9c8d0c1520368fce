"""Which views are counted: those of people who did not ask not to be, and who are no staff.

Nothing is kept of who it was: no cookie, no address, no time of day. A browser that sends
`Sec-GPC: 1` (Global Privacy Control) or `DNT: 1` (Tracking Preference Expression) is left out.
"""

from __future__ import annotations

import re
from functools import lru_cache

from flask import Blueprint, Response, request

from core import views
from core.people import current_reader
from core.plugins import card_of
from core.views import Stage
from core.web.callers import callers

blueprint = Blueprint("counting", __name__, url_prefix="/seen")
MACHINES = re.compile(
    r"bot|crawl|spider|slurp|preview|monitor|scan|fetch|feed|http|headless|lighthouse|curl|wget|"
    r"python|java/|go-|ruby|perl|axios|node|externalhit|embedly",
    re.IGNORECASE,
)
"""What programs call themselves; whoever calls itself nothing is one as well."""
LONGEST_RESOURCE = 200


def count_view(resource: str, stage: Stage) -> None:
    """Count that a person saw a resource: `teaser` while it is closed, `read` when it is open."""
    if is_counted():
        views.count(resource, stage)


def is_counted() -> bool:
    """Tell whether this request is a person's who did not ask to be left out."""
    environ = request.environ
    return (
        environ["REQUEST_METHOD"] != "HEAD"
        and environ.get("HTTP_SEC_GPC") != "1"
        and environ.get("HTTP_DNT") != "1"
        and "HTTP_SEC_PURPOSE" not in environ
        and _is_person(environ.get("HTTP_USER_AGENT", ""))
        and not current_reader().permissions
    )


@lru_cache(maxsize=4096)
def _is_person(agent: str) -> bool:
    return "Mozilla/" in agent and not MACHINES.search(agent)


@blueprint.post("/panel")
@callers("anyone")
def panel() -> Response:
    """Count that what opens a resource came into view; the page's own script says so."""
    resource = request.form.get("resource", "")
    known = len(resource) <= LONGEST_RESOURCE and is_counted() and card_of(resource) is not None
    if known:
        views.count(resource, "panel")
    return Response(status=204)
