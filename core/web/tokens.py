"""A user's personal tokens: make one for a machine, see when it was used, take it away."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask_babel import gettext as _

from core import checkout, doors
from core.doors.notifying import N_
from core.errors import BadInput, NotFound
from core.people import current_reader, current_session, tokens, users
from core.plugins import catalogue, implementations
from core.storage import transaction
from core.web.api import OPERATIONS
from core.web.callers import OPEN, callers
from core.web.doors import private, told

blueprint = Blueprint("tokens", __name__, url_prefix="/account/tokens")

SCOPES = {
    tokens.OWN: N_("See what I have opened, and my balance"),
    tokens.SPEND: N_("Pay from my balance, up to a budget that I set"),
    "orders.view": N_("See orders, what was opened, and the books"),
    "orders.refund": N_("Give small amounts of an order back"),
    "people.view": N_("See users with name and e-mail address"),
    "settings.change": N_("See and change settings and webhooks"),
    "plugins.manage": N_("See plugins"),
}
"""What a scope lets a machine do, in words for the user who gives it."""


def _offered() -> list[tuple[str, str]]:
    """Return the scopes that this user can give and the interface knows, each with its words."""
    session = current_session()
    may = session.permissions if session else frozenset[str]()
    used = {tokens.OWN if found.who == "user" else found.who for found in OPERATIONS.values()}
    if implementations("pay_machine"):
        used.add(tokens.SPEND)
    return [
        (scope, str(_(SCOPES[scope])))
        for scope in SCOPES
        if scope in used - OPEN and scope in may | tokens.EVERYBODYS
    ]


def words_of(scope: str) -> str:
    """Return what a scope lets a machine do, in the reader's language."""
    return str(_(SCOPES[scope])) if scope in SCOPES else scope


@blueprint.get("/")
@callers("user", confirmed=True)
def show() -> Response:
    """List the user's tokens, and offer a new one."""
    return _page()


def _page(status: int = 200, **more: Any) -> Response:
    reader = current_reader()
    page = render_template(
        "account/tokens.html", tokens=tokens.of_user(reader.holder), offered=_offered(),
        days=tokens.DAYS, words_of=words_of, plays=_plays_money(),
        site_mode=checkout.site_mode(),
        done=_("The token is taken away.") if request.args.get("done") == "revoked" else "",
        **more,
    )  # fmt: skip
    return private(page, status)


def _plays_money() -> bool:
    """Tell whether there is test money here, for which a token can be made."""
    return any(provider.mode == "test" for provider in catalogue.providers.values())


@blueprint.post("/")
@callers("user", confirmed=True)
def make() -> Response:
    """Make a token and show it, this once; its user gets a message."""
    form, reader = request.form, current_reader()
    wanted, days = form.getlist("scope"), form.get("days", "")
    user = users.find(reader.holder)
    try:
        _refuse_others(wanted)
        with transaction():
            made, text = tokens.make(
                user, form.get("name", ""), wanted, days=int(days) if days.isdecimal() else 0,
                mode=form.get("mode", "live"), actor=user.id, address=reader.address,
            )  # fmt: skip
            doors.notify(user, "token", device=made.name)
    except BadInput as error:
        return _page(
            422, error=told(error), name=form.get("name", ""), chosen=wanted,
            chosen_days=days, chosen_mode=form.get("mode", "live"),
        )  # fmt: skip
    return _page(made=made, text=text)


def _refuse_others(wanted: list[str]) -> None:
    if not set(wanted) <= dict(_offered()).keys():
        raise BadInput("Choose what the token may do, from what you may do yourself.")


@blueprint.post("/<id>/revoke")
@callers("user", confirmed=True)
def revoke(id: str) -> Any:
    """Take a token away, at once."""
    reader = current_reader()
    if not tokens.revoke(id, reader.holder, actor=reader.holder, address=reader.address):
        raise NotFound("There is no such token.")
    return redirect(url_for("tokens.show", done="revoked"), 303)
