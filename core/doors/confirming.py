"""Step-up: whoever is signed in proves once more to be the user, before what matters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core import limits
from core.doors.entering import Guest, WrongCode, account_of, is_protected, show_second
from core.doors.notifying import notify, send_code
from core.errors import BadInput
from core.people import codes, passkeys, passwords, sessions, users
from core.people.sessions import Session
from core.storage import transaction

CONFIRM = "confirm"


def ask_to_confirm(session: Session, guest: Guest) -> str:
    """Send a code to a user who has neither password nor second factor; return its id."""
    user = users.find(session.user)
    if not user.email:
        raise BadInput("There is no address to which a code could be sent.")
    limits.allow("code", address=guest.address, account=account_of(user.email))
    with transaction():
        issued = codes.issue(CONFIRM, {"user": user.id})
        send_code(user.email, issued.digits, "", language=user.language, holder=user.id)
    return issued.id


def confirm_by_digits(session: Session, code_id: str, digits: str, guest: Guest) -> str:
    """Take the code that was sent; return the session's new token. Raises WrongCode, TooMany."""
    limits.allow("second_factor", address=guest.address, account=session.user)
    if session.protected:
        raise WrongCode
    proved = codes.by_digits(code_id, CONFIRM, digits)
    if proved is None or proved["user"] != session.user:
        raise WrongCode
    return sessions.confirm(session, strong=False, address=guest.address)


def confirm_by_secret(
    session: Session, secret: str, guest: Guest, *,
    credential: Mapping[str, Any] | None = None, place: passkeys.Place | None = None,
) -> str:  # fmt: skip
    """Take a passkey or a code of the second factor, or the password of who has none.

    Returns the session's new token. Raises BadInput, Refused, TooMany.
    """
    limits.allow("second_factor", address=guest.address, account=session.user)
    user = users.find(session.user)
    if credential is not None and place is not None:
        passkeys.show(dict(credential), place, user_id=user.id)
    elif is_protected(user):
        if news := show_second(user, secret, address=guest.address):
            notify(user, news)
    elif not passwords.verify(user.password, secret):
        raise BadInput("This password is wrong.")
    return sessions.confirm(session, strong=is_protected(user), address=guest.address)
