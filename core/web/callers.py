"""Who may call a route. Every view says so; one that does not stops the start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Flask, current_app, redirect, request, url_for
from werkzeug.wrappers import Response

from core.clock import now
from core.errors import OboloError, Refused
from core.people import current_session, roles
from core.people.sessions import Session
from core.people.signed_in import has_csrf_token
from core.plugins import catalogue
from core.web.bearer import admit_token, shows_token
from core.web.wanting import wants_json

View = TypeVar("View", bound=Callable[..., Any])
OPEN = frozenset({"anyone", "provider"})
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
CSRF_FIELD = "csrf"


class Undeclared(OboloError):
    """A route does not say who may call it."""


class SignInNeeded(Refused):
    """Nobody is signed in, or not surely enough."""

    status = 401


def callers(
    who: str, *, confirmed: bool = False, token: bool = False, document: bool = False,
    most_bytes: int = 0,
) -> Callable[[View], View]:  # fmt: skip
    """Declare who may call a view.

    `anyone`: every reader; what belongs to somebody is found by the reader's holders only.
    `provider`: a machine that signs what it sends; no origin is asked for.
    `user`: whoever is signed in, for what is their own.
    Else a permission such as `orders.refund`: staff who have it and showed a second factor.
    With `confirmed` the user must have proved to be one within the last ten minutes. With `token`
    it is a route for machines: a personal token says who calls, and no cookie does. A `document` is
    for both: where a token is shown it says who calls, and needs the scope `own.view`. `most_bytes`
    is how much they may send, where that is more than others may.
    """

    def declare(view: View) -> View:
        view.callers = who  # type: ignore[attr-defined]
        view.confirmed = confirmed  # type: ignore[attr-defined]
        view.token = token  # type: ignore[attr-defined]
        view.document = document  # type: ignore[attr-defined]
        view.most_bytes = most_bytes  # type: ignore[attr-defined]
        return view

    return declare


def callers_of(app: Flask, endpoint: str) -> str:
    """Return who may call an endpoint: what its view declares; files are anyone's."""
    if endpoint.endswith(".static"):
        return "anyone"
    return str(getattr(app.view_functions[endpoint], "callers", ""))


def takes_token(app: Flask, endpoint: str) -> bool:
    """Tell whether an endpoint is for machines with a token."""
    return bool(getattr(app.view_functions[endpoint], "token", False))


def check_callers(app: Flask) -> None:
    """Raise Undeclared for the first route that does not say who may call it.

    What may be asked for is core's permissions and those of the app's own plugins.
    """
    declared = (one.declared_permissions for one in catalogue.manifests.values())
    known = {*OPEN, "user", *roles.PERMISSIONS, *(name for some in declared for name in some)}
    for rule in app.url_map.iter_rules():
        who = callers_of(app, rule.endpoint)
        if not who:
            raise Undeclared("{rule} does not say who may call it", rule=rule.rule)
        if who not in known:
            raise Undeclared(
                "{rule} asks for “{who}”, which nobody declares", rule=rule.rule, who=who
            )


def refuse_strangers() -> Response | None:
    """Let in whom the view is for; send others to where they can become that, or refuse them."""
    endpoint = request.endpoint
    if endpoint is None:
        return None
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    who, view = callers_of(app, endpoint), app.view_functions[endpoint]
    is_for_machines = takes_token(app, endpoint)
    if is_for_machines:
        admit_token(who)
    elif getattr(view, "document", False) and shows_token():
        admit_token("user")
    if is_for_machines or who in OPEN:
        return None
    session = current_session()
    if session is None:
        return _away("doors.sign_in", "Please sign in first.")
    if who != "user" and (away := _refuse_others(session, who)):
        return away
    if most_bytes := getattr(view, "most_bytes", 0):
        request.max_content_length = request.max_form_memory_size = most_bytes
    is_change = request.method not in SAFE_METHODS
    if is_change and not has_csrf_token(request.form.get(CSRF_FIELD, "")):
        raise Refused("This form is too old. Please open the page again.")
    if getattr(view, "confirmed", False) and not session.is_confirmed(now()):
        return _away("account.confirm", "Please confirm first that it is you.")
    return None


def _refuse_others(session: Session, permission: str) -> Response | None:
    """Refuse who lacks a permission; staff that have it show a second factor first."""
    if permission not in roles.permissions_of(session.role):
        raise Refused("Your role does not allow this.")
    if not session.protected:
        return _away("account.second_factor", "Staff need a second factor first.")
    if not session.strong:
        return _away("account.confirm", "Please confirm first that it is you.")
    return None


def _away(endpoint: str, why: str) -> Response:
    """Lead a person to where it goes on from; tell a machine why it ends here."""
    if wants_json():
        raise SignInNeeded(why)
    return redirect(url_for(endpoint, to=_here()), 303)


def _here() -> str | None:
    """Return the page to come back to: this one, or the one whose form was sent."""
    if request.method in SAFE_METHODS:
        return request.full_path.rstrip("?")
    page = urlsplit(request.referrer or "")
    pages = current_app.create_url_adapter(request)
    own = page.netloc == request.host and pages is not None and pages.test(page.path, "GET")
    return page.path if own else None
