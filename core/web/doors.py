"""The pages of the doors: sign in, sign up, reset, the link in a message, the other device."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

from flask import (
    Blueprint,
    Response,
    after_this_request,
    current_app,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import gettext as _

from core import doors
from core.doors import Admission, Guest
from core.errors import BadInput, NotFound, OboloError, Refused
from core.people import current_reader, users
from core.people.holders import guest_holders, keep_guest
from core.people.passkeys import Place
from core.people.signed_in import current_session, give_session, take_session
from core.people.two_factor import picture_of
from core.settings import value
from core.storage import close
from core.web.addresses import local_path
from core.web.callers import callers
from core.web.languages import keep_language

log = logging.getLogger("obolo.web")
blueprint = Blueprint("doors", __name__)


def private(page: str, status: int = 200) -> Response:
    """Return a page that nothing between here and its reader keeps."""
    response = Response(page, status)
    response.headers["Cache-Control"] = "private, no-store"
    return response


def guest() -> Guest:
    """Return whoever knocks."""
    reader = current_reader()
    agent = request.environ.get("HTTP_USER_AGENT", "")
    return Guest(reader.address, agent, reader.language, () if reader.user else guest_holders())


def place() -> Place:
    """Return where passkeys belong to: this host."""
    host = request.host.rpartition(":")[0] or request.host
    return Place(host, f"{request.scheme}://{request.host}", value("site.name"))


def credential() -> dict[str, Any]:
    """Read what the browser's passkey answered. Raises BadInput."""
    try:
        found = json.loads(request.form.get("credential", ""))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise BadInput("This is no answer of a passkey.")
    return found


def _to() -> str:
    return local_path(request.values.get("to", "/library/"), "/library/")


def admitted(admission: Admission) -> Response:
    """Go on: signed in, or to the second factor. The session of before ends, whoever's it was."""
    if admission.pending:
        return second_page(admission.pending)
    before = current_session()
    if before is not None:
        doors.leave(before, current_reader().address)
    give_session(admission.token)
    response = redirect(local_path(admission.to, "/library/"), 303)
    session = current_session()
    if session is not None:
        keep_language(response, session.language)
    return response  # type: ignore[return-value]


def second_page(pending: str, error: str = "") -> Response:
    """Show the page that asks for the second factor."""
    page = render_template("doors/second.html", pending=pending, error=error)
    return private(page, 422 if error else 200)


@blueprint.get("/sign-in")
@callers("anyone")
def sign_in() -> Any:
    """Ask for an e-mail address; below it the other ways in."""
    if current_session() is not None:
        return redirect(_to(), 303)
    return private(render_template("doors/sign_in.html", to=_to()))


@blueprint.post("/sign-in")
@callers("anyone")
def send_code() -> Any:
    """Send a code, and ask for it; the page is the same whoever has a user here or not."""
    return _ask("doors/sign_in.html")


def _ask(template: str, **more: str) -> Any:
    email = request.form.get("email", "")
    try:
        code_id = doors.ask(email, guest(), link_address, to=_to(), later=after_answer, **more)
    except BadInput as error:
        page = render_template(
            template, to=_to(), error=told(error), email=email, name=more.get("name", ""),
            wrong_field=_wrong_field(email),
        )  # fmt: skip
        return private(page, 422)
    return redirect(url_for("doors.code", id=code_id, to=_to()), 303)


def _wrong_field(email: str) -> str:
    """Return the field that an error is about: the address, else the password."""
    try:
        users.clean_email(email)
    except BadInput:
        return "email"
    return "password"


def after_answer(act: Callable[[], None]) -> None:
    """Do something once the answer has left: nobody learns from its time what was done."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - the proxy is gone by then

    def do() -> None:
        try:
            with app.app_context():
                act()
        except Exception:
            log.exception("what was to follow an answer failed")
            close()

    def hold(response: Response) -> Response:
        response.call_on_close(do)
        return response

    after_this_request(hold)


def told(error: OboloError) -> str:
    """Return an error's sentence in the reader's language."""
    return str(_(error.message).format(**error.values) if error.values else _(error.message))


def link_address(token: str) -> str:
    """Return the address that goes into a message."""
    return url_for("doors.link", token=token, _external=True)


@blueprint.get("/sign-in/code")
@callers("anyone")
def code() -> Response:
    """Ask for the six digits."""
    page = render_template("doors/code.html", id=request.args.get("id", ""), to=_to())
    return private(page)


@blueprint.post("/sign-in/code")
@callers("anyone")
def enter_code() -> Response:
    """Take the six digits."""
    code_id = request.form.get("id", "")
    try:
        admission = doors.enter_by_digits(code_id, request.form.get("code", ""), guest())
    except BadInput as error:
        page = render_template("doors/code.html", id=code_id, to=_to(), error=told(error))
        return private(page, 422)
    return admitted(admission)


@blueprint.get("/sign-in/link/<token>")
@callers("anyone")
def link(token: str) -> Response:
    """Show the button behind a link: mail scanners open links, but press no buttons."""
    found = doors.waiting(token)
    page = render_template("doors/link.html", token=token, found=found)
    return private(page, 200 if found else 410)


@blueprint.post("/sign-in/link")
@callers("anyone")
def enter_link() -> Response:
    """Take the link that was opened."""
    return admitted(doors.enter_by_link(request.form.get("token", ""), guest()))


@blueprint.get("/sign-in/password")
@callers("anyone")
def password() -> Response:
    """Ask for address and password."""
    return private(render_template("doors/password.html", to=_to()))


@blueprint.post("/sign-in/password")
@callers("anyone")
def enter_password() -> Response:
    """Take address and password."""
    email = request.form.get("email", "")
    try:
        admission = doors.enter_by_password(
            email, request.form.get("password", ""), guest(), to=_to()
        )
    except BadInput as error:
        page = render_template("doors/password.html", to=_to(), email=email, error=told(error))
        return private(page, 422)
    return admitted(admission)


@blueprint.post("/sign-in/second")
@callers("anyone")
def enter_second() -> Response:
    """Take the second factor: a code, or a passkey."""
    pending = request.form.get("pending", "")
    shown = credential() if request.form.get("credential") else None
    try:
        admission = doors.pass_second(
            pending, request.form.get("code", ""), guest(), credential=shown, place=place()
        )
    except BadInput as error:
        return second_page(pending, told(error))
    return admitted(admission)


@blueprint.post("/sign-in/passkey/options")
@callers("anyone")
def passkey_options() -> Any:
    """Return what the browser's passkey is to sign."""
    return doors.ask_passkey(request.form.get("pending", ""), place(), guest())


@blueprint.post("/sign-in/passkey")
@callers("anyone")
def enter_passkey() -> Response:
    """Take a passkey."""
    return admitted(doors.enter_by_passkey(credential(), place(), guest(), to=_to()))


@blueprint.post("/sign-up/passkey/options")
@callers("anyone")
def first_passkey_options() -> Any:
    """Return what a guest's browser is to make."""
    return doors.ask_first_passkey(place(), guest())


@blueprint.post("/sign-up/passkey")
@callers("anyone")
def take_first_passkey() -> Response:
    """Make a user of a guest who made a passkey."""
    return admitted(doors.enter_by_first_passkey(credential(), place(), guest(), to=_to()))


@blueprint.get("/sign-up")
@callers("anyone")
def sign_up() -> Response:
    """Ask for what a new user has."""
    return private(render_template("doors/sign_up.html", to=_to()))


@blueprint.post("/sign-up")
@callers("anyone")
def take_sign_up() -> Any:
    """Send a code to the address; the user is made once it is typed."""
    form = request.form
    return _ask("doors/sign_up.html", password=form.get("password", ""), name=form.get("name", ""))


@blueprint.get("/reset")
@callers("anyone")
def reset() -> Response:
    """Ask for the address of whoever lost a password."""
    return private(render_template("doors/reset.html", to=url_for("account.password")))


@blueprint.post("/reset")
@callers("anyone")
def take_reset() -> Any:
    """Send a code that leads to a new password; a second factor is asked for all the same."""
    return _ask("doors/reset.html")


@blueprint.post("/sign-out")
@callers("user")
def sign_out() -> Any:
    """End this session."""
    session = current_session()
    assert session is not None
    doors.leave(session, current_reader().address)
    take_session()
    return redirect("/", 303)


@blueprint.get("/library/device")
@callers("anyone")
def offer() -> Response:
    """Show the way to bring what this browser has to another device."""
    return private(render_template("doors/offer.html", can=bool(current_reader().holder)))


@blueprint.post("/library/device")
@callers("anyone")
def show_offer() -> Response:
    """Show the QR code; it counts once, for five minutes."""
    reader = current_reader()
    if not reader.holder:
        raise NotFound("There is nothing to bring yet.")
    address = url_for("doors.device", token=doors.offer_device(reader), _external=True)
    page = render_template(
        "doors/offer.html", can=True, picture=picture_of(address), address=address
    )
    return private(page)


@blueprint.get("/device/<token>")
@callers("anyone")
def device(token: str) -> Response:
    """Show the button that brings things here."""
    found = doors.can_bring(token)
    page = render_template("doors/device.html", token=token, found=found)
    return private(page, 200 if found else 410)


@blueprint.post("/device")
@callers("anyone")
def take_device() -> Any:
    """Bring what the other device has to this one."""
    brought = doors.bring(request.form.get("token", ""), guest())
    if isinstance(brought, Admission):
        return admitted(brought)
    if not brought:
        raise Refused("What was bought there belongs to a user now. Please sign in.")
    keep_guest(tuple(dict.fromkeys((*guest_holders(), *brought))))
    return redirect(url_for("library.show"), 303)


@blueprint.get("/setup/<token>")
@callers("anyone")
def setup(token: str) -> Response:
    """Welcome the owner of a new site."""
    found = doors.can_own(token)
    page = render_template("doors/setup.html", token=token, found=found)
    return private(page, 200 if found else 410)


@blueprint.post("/setup")
@callers("anyone")
def take_setup() -> Any:
    """Make the owner; the second factor comes next."""
    token, email = request.form.get("token", ""), request.form.get("email", "")
    try:
        admission = doors.make_owner(token, email, request.form.get("name", ""), guest())
    except BadInput as error:
        page = render_template(
            "doors/setup.html", token=token, found=True, email=email,
            name=request.form.get("name", ""), error=told(error),
        )  # fmt: skip
        return private(page, 422)
    return admitted(admission)


@blueprint.get("/.well-known/change-password")
@callers("anyone")
def change_password() -> Any:
    """Lead password managers to where a password is changed (W3C, change-password URL)."""
    return redirect(url_for("account.password"), 302)
