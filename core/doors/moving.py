"""Bring what one device has to another: a QR code shown on the one, opened on the other."""

from __future__ import annotations

from datetime import timedelta

from core import limits
from core.doors.entering import Admission, Guest, WrongCode, admit
from core.people import codes, users
from core.people.readers import Reader
from core.storage import transaction

DEVICE = "device"
SHOWN_FOR = timedelta(minutes=5)


def offer_device(reader: Reader) -> str:
    """Return a token that brings this reader's things to whoever opens it first."""
    assert reader.holder, "there is nothing to bring"
    with transaction():
        issued = codes.issue(
            DEVICE, {"user": reader.user or "", "holders": list(reader.holders)}, lasts=SHOWN_FOR
        )
    return issued.token


def bring(token: str, guest: Guest) -> Admission | list[str]:
    """Take what was offered: a user's session, or a guest's holders. Raises WrongCode, TooMany.

    A user with a second factor shows it on the new device, too. A holder that a user claimed in
    the meantime is not handed on.
    """
    limits.allow("sign_in", address=guest.address)
    offered = codes.by_token(token, DEVICE)
    if offered is None:
        raise WrongCode
    if offered["user"]:
        user = users.find(offered["user"])
        return admit(user, guest, strong=False, to="/library/", news="device", proved=False)
    return [holder for holder in offered["holders"] if users.claimant(holder) is None]


def can_bring(token: str) -> bool:
    """Tell whether a link still brings something; looking does not use it up."""
    return codes.waits(token, DEVICE) is not None
