"""The first user of a site: whoever started it gets a link that makes its owner, once."""

from __future__ import annotations

from datetime import timedelta

from core.doors.entering import Admission, Guest, admit
from core.errors import Refused
from core.people import codes, roles, users
from core.storage import lock_name, transaction

SETUP = "setup"
SHOWN_FOR = timedelta(days=1)


def owner_wanted() -> str:
    """Return the token of a link that makes the owner; nothing when there is one."""
    if users.has_owner():
        return ""
    with transaction():
        return codes.issue(SETUP, {}, lasts=SHOWN_FOR).token


def can_own(token: str) -> bool:
    """Tell whether a link still makes an owner; looking does not use it up."""
    return codes.waits(token, SETUP) is not None and not users.has_owner()


def make_owner(token: str, email: str, name: str, guest: Guest) -> Admission:
    """Make the owner, signed in but with nothing to do yet than to set up a second factor.

    Raises BadInput, Refused.
    """
    email, name = users.clean_email(email), users.clean_name(name)
    with transaction():
        lock_name("owners")
        if users.has_owner() or codes.by_token(token, SETUP) is None:
            raise Refused("This link counts once, for a day; `obolo run` prints a new one.")
        user = users.by_email(email)
        if user is None:
            user = users.create(
                email=email, name=name, role=roles.OWNER, language=guest.language, actor="setup"
            )
        else:
            users.set_role(user, roles.OWNER, actor="setup")
    return admit(users.find(user.id), guest, strong=False, to="/account/second-factor")
