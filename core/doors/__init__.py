"""The doors: sign up, sign in, claim what a guest bought, confirm; limits, tries and codes by mail.

Whoever knocks learns nothing of who else has a user here: the same answer, in the same time.
"""

from core.doors.changing import (
    ask_new_email,
    offer_app,
    remove_app,
    remove_passkey,
    reset_factors,
    set_state,
    take_app,
    take_new_email,
)
from core.doors.confirming import ask_to_confirm, confirm_by_digits, confirm_by_secret
from core.doors.entering import (
    Admission,
    Guest,
    WrongCode,
    ask,
    ask_first_passkey,
    ask_passkey,
    enter_by_digits,
    enter_by_first_passkey,
    enter_by_link,
    enter_by_passkey,
    enter_by_password,
    invite,
    is_protected,
    leave,
    pass_second,
    send_invitation,
    waiting,
)
from core.doors.leaving import archive, erase
from core.doors.moving import bring, can_bring, offer_device
from core.doors.notifying import notify
from core.doors.owning import can_own, make_owner, owner_wanted

__all__ = [
    "Admission",
    "Guest",
    "WrongCode",
    "archive",
    "ask",
    "ask_first_passkey",
    "ask_new_email",
    "ask_passkey",
    "ask_to_confirm",
    "bring",
    "can_bring",
    "can_own",
    "confirm_by_digits",
    "confirm_by_secret",
    "enter_by_digits",
    "enter_by_first_passkey",
    "enter_by_link",
    "enter_by_passkey",
    "enter_by_password",
    "erase",
    "invite",
    "is_protected",
    "leave",
    "make_owner",
    "notify",
    "offer_app",
    "offer_device",
    "owner_wanted",
    "pass_second",
    "remove_app",
    "remove_passkey",
    "reset_factors",
    "send_invitation",
    "set_state",
    "take_app",
    "take_new_email",
    "waiting",
]
