"""Change what a user signs in with: address, app, passkeys. Each change is told by a message."""

from __future__ import annotations

from peewee import IntegrityError

from core import limits
from core.doors.entering import Guest, WrongCode, account_of
from core.doors.notifying import notify, send_code
from core.errors import BadInput, NotFound, Refused
from core.people import codes, passkeys, roles, sessions, two_factor, users
from core.people.sessions import Session
from core.people.users import User
from core.storage import transaction

EMAIL, APP = "email", "app"


def ask_new_email(session: Session, email: str, guest: Guest) -> str:
    """Send a code to the address that a user wants; return its id. Raises BadInput, TooMany."""
    user, email = users.find(session.user), users.clean_email(email)
    limits.allow("code", address=guest.address, account=account_of(email))
    with transaction():
        issued = codes.issue(EMAIL, {"user": user.id, "email": email})
        send_code(email, issued.digits, "", language=user.language, holder=user.id)
    return issued.id


def take_new_email(session: Session, code_id: str, digits: str, guest: Guest) -> None:
    """Give a user the address that they proved to read; the old one is told, too.

    An address of another user is refused only now: who reads it may know. Raises BadInput.
    """
    limits.allow("second_factor", address=guest.address, account=session.user)
    proved = codes.by_digits(code_id, EMAIL, digits)
    if proved is None or proved["user"] != session.user:
        raise WrongCode
    user = users.find(session.user)
    try:
        with transaction():
            users.set_email(user, proved["email"], actor=user.id, address=guest.address)
            for address in {user.email, proved["email"]} - {""}:
                notify(user, "email", email=address)
    except IntegrityError:
        raise BadInput("Somebody has a user with this address already.") from None


def offer_app(user: User, token: str = "") -> tuple[str, str]:
    """Return a token and the secret that goes into an app; it is kept once a code proves it.

    With the token of an offer that still waits the secret is the same: a wrong code does not ask
    anybody to scan again.
    """
    offered = codes.waits(token, APP) if token else None
    if offered is not None and offered["user"] == user.id:
        return token, offered["seed"]
    seed = two_factor.new_seed()
    with transaction():
        return codes.issue(APP, {"user": user.id, "seed": seed}).token, seed


def take_app(session: Session, token: str, code: str, guest: Guest) -> list[str]:
    """Keep an app that shows the right code; return new recovery codes. Raises BadInput."""
    limits.allow("second_factor", address=guest.address, account=session.user)
    offered = codes.waits(token, APP)
    if offered is None or offered["user"] != session.user:
        raise WrongCode
    user = users.find(session.user)
    with transaction():
        if not two_factor.enrol(user, offered["seed"], code, address=guest.address):
            raise WrongCode
        if codes.by_token(token, APP) is None:
            raise WrongCode  # it was taken at the same time, and those recovery codes count
        recovery = two_factor.new_recovery_codes(user.id, address=guest.address)
        notify(user, "totp_on")
    return recovery


def remove_app(session: Session, guest: Guest) -> None:
    """Forget a user's app. Staff keep one factor. Raises Refused."""
    user = users.find(session.user)
    if user.staff and not passkeys.of_user(user.id):
        raise Refused("Staff need a second factor; add a passkey first.")
    with transaction():
        two_factor.remove(user, actor=user.id, address=guest.address)
        notify(user, "totp_off")


def remove_passkey(session: Session, key_id: str, guest: Guest) -> None:
    """Forget one of a user's passkeys. Nobody is locked out by it. Raises Refused, NotFound."""
    user = users.find(session.user)
    is_last = len(passkeys.of_user(user.id)) == 1 and user.totp_since is None
    if is_last and (roles.is_staff(user.role) or not user.email):
        raise Refused("This is the only way in that counts; add another one first.")
    with transaction():
        if not passkeys.remove(user, key_id, actor=user.id, address=guest.address):
            raise NotFound("There is no such passkey.")
        notify(user, "passkey_off")


def reset_factors(user: User, *, actor: str) -> None:
    """Take every second factor away, for somebody who lost them all; all devices are signed out."""
    with transaction():
        two_factor.remove(user, actor=actor)
        for one in passkeys.of_user(user.id):
            passkeys.remove(user, one.id, actor=actor)
        sessions.end_all(user.id, actor=actor)
        notify(user, "totp_off")


def set_state(user: User, state: str, *, actor: str, address: str = "") -> None:
    """Let a user in again, or shut them out of every device at once. Raises BadInput."""
    with transaction():
        users.set_state(user, state, actor=actor, address=address)
        sessions.end_all(user.id, actor=actor, address=address)
        notify(user, state)
