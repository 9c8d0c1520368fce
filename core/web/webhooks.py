"""Where providers report: verified, kept, answered, then settled."""

from __future__ import annotations

import logging

from flask import Blueprint, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from core import audit, checkout, limits
from core.errors import Forged, NotFound, OboloError
from core.payments import Hint, Inbound, Provider, inbox
from core.plugins import catalogue
from core.storage import close, transaction
from core.web.callers import callers

log = logging.getLogger("obolo.web")
blueprint = Blueprint("webhooks", __name__, url_prefix="/webhooks")
MOST_BYTES = 256 * 1024


@blueprint.post("/<provider_name>")
@callers("provider")
def receive(provider_name: str) -> Response:
    """Keep a genuine delivery and answer; it is settled after the answer, or by a task."""
    provider = catalogue.providers.get(provider_name)
    if provider is None:
        raise NotFound("There is no such provider.")
    address = request.remote_addr or ""
    limits.allow("webhook", address=address)
    request.max_content_length = MOST_BYTES
    try:
        hints = list(provider.hear(Inbound(dict(request.headers), request.get_data())))
    except (Forged, RequestEntityTooLarge):
        _note("webhook.forged", provider, address)
        raise
    with transaction():
        fresh = [hint for hint in hints if inbox.keep(provider.name, hint)]
    if not hints:
        _note("webhook.foreign", provider, address)
    response = Response(status=204)
    response.call_on_close(lambda: settle(provider, fresh, address))
    return response


def settle(provider: Provider, hints: list[Hint], address: str) -> None:
    """Settle deliveries; what cannot be settled now stays in the inbox for the task."""
    for hint in hints:
        try:
            if not checkout.hear(provider, hint):
                _note("webhook.foreign", provider, address, event=hint.event)
        except OboloError as error:
            log.warning("delivery %s of %s waits: %s", hint.event, provider.name, error)
        except Exception:
            log.exception("delivery %s of %s waits", hint.event, provider.name)
            close()


def _note(action: str, provider: Provider, address: str, **data: str) -> None:
    with transaction():
        audit.record(action, actor=provider.name, address=address, **data)
