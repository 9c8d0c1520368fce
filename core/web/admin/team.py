"""Who may do what on this site: staff, their roles, and the way in for new ones."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, redirect, request, url_for
from peewee import IntegrityError

from core import doors
from core.errors import BadInput, NotFound
from core.people import current_reader, roles, sessions, users
from core.people.users import User
from core.storage import transaction
from core.web.admin.shell import admin_page
from core.web.callers import callers
from core.web.doors import link_address, told

blueprint = Blueprint("team", __name__, url_prefix="/admin/team")


@blueprint.get("/")
@callers("people.manage")
def show() -> Response:
    """List staff with their roles."""
    return _page()


def _page(status: int = 200, **more: Any) -> Response:
    return admin_page(
        "admin/team.html", status, staff=users.listed(staff_only=True), roles=roles.ROLES,
        protected=doors.is_protected, **more,
    )  # fmt: skip


@blueprint.post("/")
@callers("people.manage", confirmed=True)
def invite() -> Any:
    """Give somebody a role, and a link by which they come in for the first time."""
    form, reader = request.form, current_reader()
    try:
        email, role = users.clean_email(form.get("email", "")), form.get("role", "")
        user = _with_role(email, role, reader.holder, reader.language)
    except BadInput as error:
        return _page(422, error=told(error), email=form.get("email", ""))
    doors.send_invitation(user, link_address)
    return _page(invited=user.email)


def _with_role(email: str, role: str, actor: str, language: str) -> User:
    address = current_reader().address
    if role not in roles.ROLES or role == roles.READER:
        raise BadInput("There is no such role.")
    user = users.by_email(email)
    if user is None:
        try:
            return users.create(
                email=email, role=role, language=language, actor=actor, address=address
            )
        except IntegrityError:
            raise BadInput("Somebody has a user with this address already.") from None
    change_role(user, role, actor, address)
    return users.find(user.id)


def change_role(user: User, role: str, actor: str, address: str) -> None:
    """Give a user another role; they sign in anew, and are told."""
    with transaction():
        users.set_role(user, role, actor=actor, address=address)
        sessions.end_all(user.id, actor=actor, address=address)
        doors.notify(user, "role")


@blueprint.post("/<id>")
@callers("people.manage", confirmed=True)
def change(id: str) -> Any:
    """Change somebody's role, or let them in again or no longer. Nobody changes their own."""
    reader, form = current_reader(), request.form
    if id == reader.holder:
        raise BadInput("Somebody else must change your own rights.")
    user = users.find(id)
    if user.state == "erased":
        raise NotFound("There is no such user.")
    if role := form.get("role"):
        change_role(user, role, reader.holder, reader.address)
    elif (state := form.get("state", "")) in ("active", "disabled"):
        doors.set_state(user, state, actor=reader.holder, address=reader.address)
    else:
        raise BadInput("There is no such role.")
    return redirect(url_for("team.show"), 303)
