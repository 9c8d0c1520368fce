"""A user's own pages: profile, ways to sign in, devices, and what the site keeps of them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app, redirect, render_template, request, url_for
from flask_babel import gettext as _

from core import doors, founding
from core.doors.notifying import N_
from core.errors import BadInput, NotFound
from core.people import current_reader, passkeys, passwords, roles, sessions, two_factor, users
from core.people.sessions import Session
from core.people.signed_in import current_session, give_session
from core.people.users import User
from core.settings import value
from core.storage import transaction
from core.web.addresses import local_path
from core.web.callers import callers
from core.web.doors import credential, guest, place, private, told
from core.web.languages import keep_language

blueprint = Blueprint("account", __name__, url_prefix="/account")


def _session() -> Session:
    session = current_session()
    assert session is not None, "the route is declared for users"
    return session


def _user() -> User:
    return users.find(_session().user)


def _back(endpoint: str, said: str = "") -> Any:
    """Lead back to a page, which then says what was done."""
    return redirect(url_for(endpoint, done=said or None), 303)


def _page(template: str, status: int = 200, **more: Any) -> Response:
    user = more.pop("user", None) or _user()
    done = DONE.get(request.args.get("done", ""), "")
    said = str(_(done)) if done else ""
    return private(render_template(f"account/{template}", user=user, done=said, **more), status)


DONE = {
    "saved": N_("Saved."),
    "password": N_("Your password is changed; your other devices were signed out."),
    "email": N_("Your address is changed."),
    "ended": N_("That device is signed out."),
    "ended_others": N_("Your other devices are signed out."),
    "factor_off": N_("The app is removed."),
    "passkey_on": N_("The passkey is added."),
    "passkey_off": N_("The passkey is removed."),
}
"""What a page says after a change; the address names it, so that nobody else can word it."""


@blueprint.get("/")
@callers("user")
def show() -> Response:
    """Show the profile, and the way to everything else."""
    languages = current_app.extensions["obolo_languages"]
    return _page("account.html", choices=languages, session=_session())


@blueprint.post("/")
@callers("user")
def save() -> Any:
    """Save name, language and which messages are wanted."""
    user, form = _user(), request.form
    language = form.get("language", "")
    if language not in current_app.extensions["obolo_languages"]:
        raise BadInput("There is no such language.")
    try:
        name = users.clean_name(form.get("name", ""))
    except BadInput as error:
        languages = current_app.extensions["obolo_languages"]
        return _page(
            "account.html", 422, choices=languages, session=_session(), error=told(error),
            name=form.get("name", ""),
        )  # fmt: skip
    with transaction():
        users.set_name(user, name)
        users.set_messages(user, language, receipts="receipts" in form)
    response = _back("account.show", "saved")
    keep_language(response, language)
    return response


@blueprint.get("/confirm")
@callers("user")
def confirm() -> Response:
    """Ask whoever sits here to prove once more to be the user."""
    return _confirm_page()


def _confirm_page(error: str = "", code_id: str = "") -> Response:
    user, session = _user(), _session()
    return _page(
        "confirm.html", 422 if error else 200, user=user, protected=session.protected, error=error,
        has_app=user.totp_since is not None, has_passkeys=bool(passkeys.of_user(user.id)),
        id=code_id, to=local_path(request.values.get("to", "/account/"), "/account/"),
    )  # fmt: skip


@blueprint.post("/confirm/send")
@callers("user")
def send_confirmation() -> Response:
    """Send a code to whoever has nothing else to confirm with."""
    try:
        return _confirm_page(code_id=doors.ask_to_confirm(_session(), guest()))
    except BadInput as error:
        return _confirm_page(told(error))


@blueprint.post("/confirm")
@callers("user")
def take_confirmation() -> Any:
    """Take a code, a password or a passkey as proof; the session gets a new token."""
    form, session = request.form, _session()
    try:
        if form.get("id"):
            token = doors.confirm_by_digits(session, form["id"], form.get("secret", ""), guest())
        else:
            shown = credential() if form.get("credential") else None
            token = doors.confirm_by_secret(
                session, form.get("secret", ""), guest(), credential=shown, place=place()
            )
    except BadInput as error:
        return _confirm_page(told(error), form.get("id", ""))
    give_session(token)
    return redirect(local_path(form.get("to", ""), "/account/"), 303)


@blueprint.post("/confirm/options")
@callers("user")
def confirm_options() -> Any:
    """Return what the user's passkey is to sign."""
    return passkeys.options_to_show(place(), _session().user)


@blueprint.get("/password")
@callers("user", confirmed=True)
def password() -> Response:
    """Ask for a new password."""
    return _page("password.html", least=_least())


def _least() -> int:
    return passwords.LEAST_WITH_SECOND if _session().protected else passwords.LEAST


@blueprint.post("/password")
@callers("user", confirmed=True)
def take_password() -> Any:
    """Take a new password; every other device is signed out."""
    user, session = _user(), _session()
    new = request.form.get("password", "")
    try:
        passwords.check(
            new, protected=session.protected,
            context=[user.email, user.name, value("site.name")],
        )  # fmt: skip
    except BadInput as error:
        return _page("password.html", 422, least=_least(), error=told(error))
    hashed, address = passwords.hashed(new), current_reader().address
    with transaction():
        users.set_password(user, hashed, actor=user.id, address=address)
        sessions.end_all(user.id, actor=user.id, but=session.id, address=address)
        doors.notify(user, "password")
    return _back("account.show", "password")


@blueprint.get("/email")
@callers("user", confirmed=True)
def email() -> Response:
    """Ask for another address."""
    return _page("email.html")


@blueprint.post("/email")
@callers("user", confirmed=True)
def send_email_code() -> Response:
    """Send a code to the new address."""
    wanted = request.form.get("email", "")
    try:
        code_id = doors.ask_new_email(_session(), wanted, guest())
    except BadInput as error:
        return _page("email.html", 422, error=told(error), wanted=wanted)
    return _page("email.html", id=code_id, wanted=wanted)


@blueprint.post("/email/code")
@callers("user", confirmed=True)
def take_email() -> Any:
    """Take the code that was sent to the new address."""
    code_id = request.form.get("id", "")
    try:
        doors.take_new_email(_session(), code_id, request.form.get("code", ""), guest())
    except BadInput as error:
        return _page("email.html", 422, id=code_id, error=told(error))
    return _back("account.show", "email")


@blueprint.get("/second-factor")
@callers("user", confirmed=True)
def second_factor() -> Response:
    """Show what the user has as a second factor, and how to add one."""
    return _factor_page()


def _factor_page(error: str = "", codes: list[str] | None = None, token: str = "") -> Response:
    user = _user()
    token, seed = doors.offer_app(user, token) if user.totp_since is None else ("", "")
    label = user.email or user.id
    address = two_factor.address_of(seed, name=label, site=value("site.name")) if seed else ""
    return _page(
        "second_factor.html", 422 if error else 200, user=user, error=error, token=token, seed=seed,
        picture=two_factor.picture_of(address) if address else "", address=address, codes=codes,
        left=two_factor.recovery_left(user.id), passkeys=passkeys.of_user(user.id),
        session=_session(), sets_up=_sets_up(user),
    )  # fmt: skip


def _sets_up(user: User) -> bool:
    """Tell whether this is an owner, protected by now, whose site is not set up yet."""
    if user.role != roles.OWNER or not (user.totp_since or passkeys.of_user(user.id)):
        return False
    return founding.reached() != founding.DONE and bool(value("admin.checklist"))


@blueprint.post("/second-factor/app")
@callers("user", confirmed=True)
def add_app() -> Response:
    """Take a new app once it shows the right code; the recovery codes are shown once."""
    session, form = _session(), request.form
    try:
        codes = doors.take_app(session, form.get("token", ""), form.get("code", ""), guest())
    except BadInput as error:
        return _factor_page(told(error), token=form.get("token", ""))
    give_session(sessions.confirm(session, strong=True, address=current_reader().address))
    return _factor_page(codes=codes)


@blueprint.post("/second-factor/app/remove")
@callers("user", confirmed=True)
def remove_app() -> Any:
    """Forget the app and the recovery codes."""
    doors.remove_app(_session(), guest())
    return _back("account.second_factor", "factor_off")


@blueprint.post("/second-factor/recovery")
@callers("user", confirmed=True)
def new_recovery() -> Response:
    """Make new recovery codes and show them once."""
    user = _user()
    if user.totp_since is None and not passkeys.of_user(user.id):
        raise BadInput("Recovery codes stand beside a second factor.")
    with transaction():
        codes = two_factor.new_recovery_codes(user.id, address=current_reader().address)
        doors.notify(user, "recovery_new")
    return _factor_page(codes=codes)


@blueprint.post("/passkeys/options")
@callers("user", confirmed=True)
def passkey_options() -> Any:
    """Return what the browser is to make."""
    user = _user()
    return passkeys.options_to_make(user.id, user.email or user.name, place())


@blueprint.post("/passkeys")
@callers("user", confirmed=True)
def add_passkey() -> Any:
    """Keep a passkey that the browser made; this session counts as strong from now on."""
    session, user = _session(), _user()
    address = current_reader().address
    with transaction():
        passkeys.make(
            user.id, credential(), request.form.get("name", "") or session.device, place(),
            address=address,
        )  # fmt: skip
        doors.notify(user, "passkey_on")
    give_session(sessions.confirm(session, strong=True, address=address))
    return _back("account.second_factor", "passkey_on")


@blueprint.post("/passkeys/<id>/remove")
@callers("user", confirmed=True)
def remove_passkey(id: str) -> Any:
    """Forget a passkey."""
    doors.remove_passkey(_session(), id, guest())
    return _back("account.second_factor", "passkey_off")


@blueprint.get("/devices")
@callers("user")
def devices() -> Response:
    """List where the user is signed in."""
    return _page("devices.html", sessions=sessions.of_user(_session().user), here=_session().id)


@blueprint.post("/devices/<id>/end")
@callers("user")
def end_device(id: str) -> Any:
    """Sign one device out."""
    user = _session().user
    if not sessions.end(id, user, actor=user, address=current_reader().address):
        raise NotFound("There is no such device.")
    return _back("account.devices", "ended")


@blueprint.post("/devices/end-others")
@callers("user")
def end_others() -> Any:
    """Sign all other devices out."""
    session, user = _session(), _user()
    with transaction():
        address = current_reader().address
        if sessions.end_all(user.id, actor=user.id, but=session.id, address=address):
            doors.notify(user, "sign_out")
    return _back("account.devices", "ended_others")
