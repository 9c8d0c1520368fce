"""Sign up and sign in: by a code or link in a message, a password, a passkey."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask_babel import force_locale, gettext
from peewee import IntegrityError

from core import checkout, limits
from core.doors.notifying import notify, send_code, send_link
from core.errors import BadInput, Refused
from core.people import codes, contacts, passkeys, passwords, sessions, two_factor, users
from core.people.sessions import Session
from core.people.users import User
from core.storage import new_id, transaction, vault

ENTER, SECOND = "enter", "second"
INVITED_FOR = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Guest:
    """Whoever knocks: where from, with which browser, in which language, with what in hand."""

    address: str
    agent: str
    language: str
    holders: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Admission:
    """Either a session's token, or what a second factor is still needed for. `to` leads on."""

    token: str = ""
    pending: str = ""
    to: str = "/"


class WrongCode(BadInput):
    """The digits or the link do not count (any more)."""

    def __init__(self) -> None:
        super().__init__("This code does not count, or no longer. Take the newest one.")


class WrongSecret(BadInput):
    """Who knows which of the two was wrong learns who has a user here."""

    def __init__(self) -> None:
        super().__init__("E-mail address and password do not fit together.")


def account_of(email: str) -> str:
    """Return what tries at an address are counted under; the address cannot be read from it."""
    index: bytes = vault.blind_index(users.EMAIL_COLUMN, email)
    return index.hex()


Act = Callable[[], None]


def _at_once(act: Act) -> None:
    act()


def ask(
    email: str, guest: Guest, link_of: Callable[[str], str], *, to: str = "/", password: str = "",
    name: str = "", later: Callable[[Act], None] = _at_once,
) -> str:  # fmt: skip
    """Send a code and a link to an address; return the id that goes with the digits.

    Whoever reads them there may come in, and has a user from then on. A password and a name are
    for a new user only. Who has a user is looked up where the message is written, which `later`
    may do after the answer, whose time then tells nothing. Raises BadInput, TooMany.
    """
    email, name = users.clean_email(email), users.clean_name(name)
    limits.allow("code", address=guest.address, account=account_of(email))
    hashed = ""
    if password:
        passwords.check(password, protected=False, context=[email, name])
        hashed = passwords.hashed(password)
    with transaction():
        issued = codes.issue(
            ENTER,
            {"email": email, "to": to, "password": hashed, "name": name,
             "language": guest.language},
        )  # fmt: skip
    link = link_of(issued.token)

    def write() -> None:
        user = users.by_email(email)
        language = user.language if user else guest.language
        send_code(
            email, issued.digits, link, language=language, holder=user.id if user else "",
            why=_known_already(language) if user and hashed else "",
        )  # fmt: skip

    later(write)
    return issued.id


def _known_already(language: str) -> str:
    with force_locale(language):
        words: str = gettext(
            "You have a user here already, so no new one is made and your password stays as it is."
        )
        return words


def invite(user: User) -> str:
    """Return the token of a link by which a user whom staff made signs in for the first time."""
    with transaction():
        issued = codes.issue(
            ENTER, {"email": user.email, "to": "/account/", "password": "", "name": "",
                    "language": user.language, "user": user.id},
            lasts=INVITED_FOR,
        )  # fmt: skip
    return issued.token


def send_invitation(user: User, link_of: Callable[[str], str]) -> None:
    """Send a link by which a user whom staff made signs in for the first time."""
    with transaction():
        send_link(user, link_of(invite(user)))


def enter_by_digits(code_id: str, digits: str, guest: Guest) -> Admission:
    """Let in whoever read the digits. Raises WrongCode, TooMany, Refused."""
    limits.allow("sign_in", address=guest.address)
    proved = codes.by_digits(code_id, ENTER, digits)
    if proved is None:
        raise WrongCode
    return _enter_proved(proved, guest)


def enter_by_link(token: str, guest: Guest) -> Admission:
    """Let in whoever opened the link and pressed the button. Raises WrongCode, TooMany, Refused."""
    limits.allow("sign_in", address=guest.address)
    proved = codes.by_token(token, ENTER)
    if proved is None:
        raise WrongCode
    return _enter_proved(proved, guest)


def waiting(token: str) -> bool:
    """Tell whether a link would still let somebody in; looking does not use it up."""
    return codes.waits(token, ENTER) is not None


def _enter_proved(proved: Mapping[str, Any], guest: Guest) -> Admission:
    user = users.find(proved["user"]) if proved.get("user") else _user_of(proved)
    found = contacts.of_email(user.email) if user.email else []
    return admit(user, guest, strong=False, to=proved["to"], claims=found)


def _user_of(proved: Mapping[str, Any]) -> User:
    """Return the user with the address that was proved, made now if there was none."""
    user = users.by_email(proved["email"])
    if user is not None:
        return user
    try:
        return users.create(
            email=proved["email"], name=proved["name"], language=proved["language"],
            password=proved["password"] or None,
        )  # fmt: skip
    except IntegrityError:  # two codes of one address were used at the same time
        user = users.by_email(proved["email"])
        assert user is not None
        return user


def enter_by_password(email: str, password: str, guest: Guest, *, to: str = "/") -> Admission:
    """Let in whoever knows the password. Raises WrongSecret, BadInput, TooMany, Refused.

    An address that nobody has takes the same time and gets the same answer.
    """
    email = users.clean_email(email)
    limits.allow("sign_in", address=guest.address, account=account_of(email))
    known = users.password_of(email)
    fits = passwords.verify(known[1] if known else None, password)
    if known is None or not fits:
        raise WrongSecret
    user = users.find(known[0])
    if not user.active:
        raise WrongSecret
    if passwords.is_outdated(user.password or ""):
        users.rehash_password(user, passwords.hashed(password))
    return admit(user, guest, strong=False, to=to, news="sign_in")


def enter_by_passkey(
    credential: Mapping[str, Any], place: passkeys.Place, guest: Guest, *, to: str = "/"
) -> Admission:
    """Let in whoever has the passkey and unlocked it. Raises Refused, BadInput, TooMany."""
    limits.allow("sign_in", address=guest.address)
    user = users.find(passkeys.show(dict(credential), place))
    return admit(user, guest, strong=True, to=to)


def ask_passkey(pending: str, place: passkeys.Place, guest: Guest) -> dict[str, Any]:
    """Return what a passkey is to sign: anybody's, or that of whom a second factor is awaited."""
    limits.allow("sign_in", address=guest.address)
    waits = codes.waits(pending, SECOND) if pending else None
    return passkeys.options_to_show(place, waits["user"] if waits else "")


def ask_first_passkey(place: passkeys.Place, guest: Guest) -> dict[str, Any]:
    """Return what the browser of a guest is to make, who has no user yet."""
    limits.allow("sign_in", address=guest.address)
    return passkeys.options_to_make(new_id(users.PREFIX), place.name, place)


def enter_by_first_passkey(
    credential: Mapping[str, Any], place: passkeys.Place, guest: Guest, *, to: str = "/"
) -> Admission:
    """Make a user of a guest who made a passkey, and ask for nothing else. Raises Refused."""
    limits.allow("sign_in", address=guest.address)
    given = dict(credential)
    user_id = passkeys.user_asked(given)
    try:
        with transaction():
            user = users.create(language=guest.language, user_id=user_id)
            passkeys.make(
                user_id, given, sessions.device_of(guest.agent), place, address=guest.address
            )
    except IntegrityError:
        raise Refused("That took too long. Please try again.") from None
    return admit(user, guest, strong=True, to=to)


def is_protected(user: User) -> bool:
    """Tell whether a user has a second factor."""
    return user.totp_since is not None or bool(passkeys.of_user(user.id))


def admit(
    user: User, guest: Guest, *, strong: bool, to: str, claims: Sequence[str] = (), news: str = "",
    proved: bool = True,
) -> Admission:  # fmt: skip
    """Start a session, or ask for the second factor first where the user has one.

    The guest's holders, and `claims`, are the user's from then on. What was not `proved` by who
    sits there counts as no step-up. Raises Refused.
    """
    if not user.active:
        raise Refused("This user can no longer sign in here.")
    if not strong and is_protected(user):
        with transaction():
            issued = codes.issue(SECOND, {
                "user": user.id, "to": to, "claims": list(claims), "news": news,
            })  # fmt: skip
        return Admission(pending=issued.token, to=to)
    with transaction():
        token = sessions.start(
            user.id, strong=strong, proved=proved, agent=guest.agent, address=guest.address
        )
        for holder in dict.fromkeys((*guest.holders, *claims)):
            if users.claim(user.id, holder):
                checkout.merge(holder, user.id)
        if news:
            notify(user, news, device=sessions.device_of(guest.agent))
    return Admission(token=token, to=to)


def pass_second(
    pending: str, code: str, guest: Guest, *,
    credential: Mapping[str, Any] | None = None, place: passkeys.Place | None = None,
) -> Admission:  # fmt: skip
    """Let in whoever shows the second factor as well: an app's code, a recovery code, a passkey.

    Raises WrongCode when it is wrong or was used before, TooMany, Refused.
    """
    waits = codes.waits(pending, SECOND)
    if waits is None:
        raise Refused("That took too long. Please sign in again.")
    user = users.find(waits["user"])
    limits.allow("second_factor", address=guest.address, account=user.id)
    if not codes.count_try(pending, SECOND):
        raise Refused("That took too long. Please sign in again.")
    news = ""
    if credential is not None and place is not None:
        passkeys.show(dict(credential), place, user_id=user.id)
    else:
        news = show_second(user, code, address=guest.address)
    if codes.by_token(pending, SECOND) is None:
        raise WrongCode
    return admit(
        user, guest, strong=True, to=waits["to"], claims=waits["claims"],
        news=news or waits["news"],
    )  # fmt: skip


def leave(session: Session, address: str) -> None:
    """End the session that somebody sits at."""
    sessions.end(session.id, session.user, actor=session.user, address=address)


def show_second(user: User, code: str, *, address: str) -> str:
    """Take an app's code or a recovery code; return what is to be told of it. Raises WrongCode."""
    if two_factor.accept(user.id, code):
        return ""
    if two_factor.burn(user.id, code, address=address):
        return "recovery_used"
    raise WrongCode
