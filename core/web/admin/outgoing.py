"""Whom this site tells what happened: endpoints, their secrets, and what they answered."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, redirect, request, url_for
from flask_babel import gettext as _

from core import outgoing
from core.errors import BadInput
from core.outgoing import Endpoint
from core.people import current_reader
from core.web.admin.shell import admin_page
from core.web.callers import callers
from core.web.doors import told

blueprint = Blueprint("admin_outgoing", __name__, url_prefix="/admin/webhooks")
PAGE = 50


@blueprint.get("/")
@callers("settings.change")
def show() -> Response:
    """List the endpoints, and offer a new one."""
    return _list()


def _list(status: int = 200, **more: Any) -> Response:
    done = _("The endpoint is removed.") if request.args.get("done") == "removed" else ""
    return admin_page(
        "admin/webhooks.html", status, endpoints=outgoing.listed(), done=done,
        events=tuple(outgoing.EVENTS.values()), words_of=words_of, **more,
    )  # fmt: skip


def words_of(event: str) -> str:
    """Return what an event tells, in the reader's language."""
    words = {
        "order.paid": _("An order was paid"),
        "order.refunded": _("Money of an order went back"),
        "order.expired": _("An order was never paid"),
        "payment.saved": _("A reader keeps a way to pay"),
        "payment.failed": _("A try to pay failed"),
        "payment.disputed": _("A payment is disputed, won or lost"),
        "webhook.test": _("A test"),
    }
    return str(words[event])


@blueprint.post("/")
@callers("settings.change", confirmed=True)
def make() -> Response:
    """Make an endpoint and show its secret, this once."""
    form, reader = request.form, current_reader()
    url, wanted = form.get("url", ""), form.getlist("event")
    try:
        made, secret = outgoing.make(url, wanted, actor=reader.holder, address=reader.address)
    except BadInput as error:
        return _list(422, error=told(error), url=url, chosen=wanted)
    return _one(made, secret=secret)


@blueprint.get("/<id>")
@callers("settings.change")
def show_one(id: str) -> Response:
    """Show one endpoint and what it answered."""
    return _one(outgoing.find(id))


def _one(endpoint: Endpoint, status: int = 200, **more: Any) -> Response:
    after = request.args.get("after", "") if request.method == "GET" else ""
    sent = outgoing.sent_to(endpoint.id, after=after, limit=PAGE + 1)
    words = {
        "tested": _("A test is on its way; its answer is shown here."),
        "again": _("The message is sent again."),
        "on": _("The endpoint is on."),
        "off": _("The endpoint is off; what waits, waits."),
    }
    return admin_page(
        "admin/webhook.html", status, endpoint=endpoint, sent=sent[:PAGE], words_of=words_of,
        done=words.get(request.args.get("done", ""), ""),
        older=sent[PAGE - 1].id if len(sent) > PAGE else "", **more,
    )  # fmt: skip


def _back(id: str, done: str) -> Any:
    return redirect(url_for("admin_outgoing.show_one", id=id, done=done), 303)


@blueprint.post("/<id>/switch")
@callers("settings.change")
def switch(id: str) -> Any:
    """Switch an endpoint on or off."""
    reader, state = current_reader(), request.form.get("state", "")
    if state not in ("on", "off"):
        raise BadInput("This is either on or off.")
    outgoing.switch(id, state, actor=reader.holder, address=reader.address)
    return _back(id, state)


@blueprint.post("/<id>/test")
@callers("settings.change")
def test(id: str) -> Any:
    """Send a message that says nothing, to see whether it arrives."""
    outgoing.send_test(id)
    return _back(id, "tested")


@blueprint.post("/<id>/again/<delivery>")
@callers("settings.change")
def again(id: str, delivery: str) -> Any:
    """Send a message again, with the id it had."""
    outgoing.send_again(id, delivery)
    return _back(id, "again")


@blueprint.post("/<id>/secret")
@callers("settings.change", confirmed=True)
def renew(id: str) -> Response:
    """Give an endpoint a new secret and show it, this once."""
    reader = current_reader()
    found, secret = outgoing.renew(id, actor=reader.holder, address=reader.address)
    return _one(found, secret=secret)


@blueprint.post("/<id>/remove")
@callers("settings.change", confirmed=True)
def remove(id: str) -> Any:
    """Take an endpoint away, once its host was typed."""
    reader, endpoint = current_reader(), outgoing.find(id)
    if request.form.get("host", "").strip() != endpoint.host:
        return _one(endpoint, 422, error=_("Type %(host)s to remove it.", host=endpoint.host))
    outgoing.remove(id, actor=reader.holder, address=reader.address)
    return redirect(url_for("admin_outgoing.show", done="removed"), 303)
