"""Endpoints that are told what happens, for machines that set themselves up."""

from __future__ import annotations

from core import outgoing
from core.people import current_reader
from core.web.api import drawing
from core.web.api.money import page_of
from core.web.api.operations import operation
from core.web.api.shapes import (
    Delivery,
    Endpoint,
    EndpointChange,
    EndpointWanted,
    NewEndpoint,
    Page,
    Paged,
)
from core.web.api.site import refuse_test_token

MANAGE = "settings.change"
NO_ENDPOINT = {404: "There is no such endpoint."}


def _actor() -> str:
    refuse_test_token()
    return current_reader().holder


@operation("GET", "/webhooks", MANAGE, Page[Endpoint])
def list_webhooks() -> Page[Endpoint]:
    """List the endpoints."""
    return Page(data=[drawing.endpoint(one) for one in outgoing.listed()])


@operation("POST", "/webhooks", MANAGE, NewEndpoint, takes=EndpointWanted)
def make_webhook(body: EndpointWanted) -> NewEndpoint:
    """Make an endpoint; its secret is told this once."""
    made, secret = outgoing.make(body.url, body.events, actor=_actor())
    return drawing.new_endpoint(made, secret)


@operation("GET", "/webhooks/<id>", MANAGE, Endpoint, refusals=NO_ENDPOINT)
def show_webhook(id: str) -> Endpoint:
    """Show an endpoint."""
    return drawing.endpoint(outgoing.find(id))


@operation(
    "PATCH", "/webhooks/<id>", MANAGE, Endpoint, takes=EndpointChange, refusals=NO_ENDPOINT
)  # fmt: skip
def switch_webhook(id: str, body: EndpointChange) -> Endpoint:
    """Switch an endpoint on or off."""
    return drawing.endpoint(outgoing.switch(id, body.state, actor=_actor()))


@operation("DELETE", "/webhooks/<id>", MANAGE, None, refusals=NO_ENDPOINT)
def remove_webhook(id: str) -> None:
    """Take an endpoint away, with the log of its deliveries."""
    outgoing.remove(id, actor=_actor())


@operation(
    "POST", "/webhooks/<id>/secrets", MANAGE, NewEndpoint, refusals=NO_ENDPOINT
)  # fmt: skip
def renew_secret(id: str) -> NewEndpoint:
    """Give an endpoint a new secret, told this once; the one before signs for a day as well."""
    made, secret = outgoing.renew(id, actor=_actor())
    return drawing.new_endpoint(made, secret)


@operation(
    "GET", "/webhooks/<id>/deliveries", MANAGE, Page[Delivery], query=Paged, refusals=NO_ENDPOINT
)  # fmt: skip
def list_deliveries(id: str, asked: Paged) -> Page[Delivery]:
    """List what was sent to an endpoint, newest first."""
    found = outgoing.sent_to(id, after=asked.after, limit=asked.limit + 1)
    return page_of(found, asked.limit, drawing.delivery, lambda one: one.id)


@operation(
    "POST", "/webhooks/<id>/test", MANAGE, Delivery, refusals=NO_ENDPOINT
)  # fmt: skip
def test_webhook(id: str) -> Delivery:
    """Send a message that says nothing, to see whether it arrives."""
    _actor()
    return drawing.delivery(outgoing.send_test(id))


@operation(
    "POST", "/webhooks/<id>/deliveries/<delivery>/resend", MANAGE, Delivery,
    refusals={404: "There is no such delivery."},
)  # fmt: skip
def resend(id: str, delivery: str) -> Delivery:
    """Send a message again, with the id it had."""
    _actor()
    return drawing.delivery(outgoing.send_again(id, delivery))
