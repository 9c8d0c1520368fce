"""Answer a machine that asks for a resource: it is open, it pays by this request, or it is 402."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from flask import Response, request
from flask_babel import gettext as _

from core import checkout
from core.access import Access, decide
from core.errors import OboloError
from core.limits import TooMany
from core.people import current_reader
from core.plugins import MachineRequest, Toll, each
from core.web.bearer import current_bearer
from core.web.checkout import allow_door
from core.web.problems import offers_of, problem

NOTHING: Mapping[str, object] = {}


def answer_machine(
    resource: str, access: Access, draw: Callable[[Access], Response], *, url: str, title: str,
    more: Mapping[str, object] = NOTHING,
) -> Response:  # fmt: skip
    """Return what `draw` makes of an open resource; 402 with the offers while it is closed.

    Plugins are asked how a machine pays (`pay_machine`). One that answers with what to buy has it
    bought here, at the price of every reader; then the resource is drawn in the same answer. `more`
    is what the 402 document tells besides.
    """
    headers = {name.lower(): text for name, text in request.headers}
    asking = MachineRequest(current_reader(), current_bearer(), headers, access.open)
    tolls = [] if access.open and not access.held else _tolls(asking, resource, access)
    wanted = next((toll for toll in tolls if toll.buys), None)
    if wanted is not None and not access.open and request.method != "HEAD":
        refused = _buy(wanted, url)
        access = decide(resource, asking.reader)
        tolls = _tolls(replace(asking, open=access.open, refused=refused), resource, access)
    answer = draw(access) if access.open else _closed(access, tolls, url, title, more)
    for toll in tolls:
        for name, text in toll.headers:
            answer.headers.add(name, text)
    answer.headers["Cache-Control"] = "private, no-store"
    answer.vary.update(("Cookie", "Accept", "Accept-Language", "Authorization"))
    return answer


def _tolls(asking: MachineRequest, resource: str, access: Access) -> list[Toll]:
    asked = {"request": asking, "resource": resource, "offers": access.offers}
    return [toll for _plugin, toll in each("pay_machine", **asked)]


def _buy(wanted: Toll, back: str) -> OboloError | None:
    """Order and settle at once; return why not. Raises TooMany, and what is no refusal."""
    try:
        allow_door("checkout")
        checkout.buy(current_reader(), wanted.buys, wanted.by, return_to=back)
    except TooMany:
        raise
    except OboloError as error:
        if error.status >= 500:
            raise
        return error
    return None


def _closed(
    access: Access, tolls: list[Toll], url: str, title: str, more: Mapping[str, object]
) -> Response:
    said = next((toll for toll in tolls if toll.code), Toll())
    return problem(
        402, title, said.detail or _("This is closed. The offers say what opens it."),
        instance=url, code=said.code, offers=offers_of(access),
        challenges=[one for toll in tolls for one in toll.challenges], **more,
    )  # fmt: skip
