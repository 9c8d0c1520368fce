"""Messages to users: codes, and a notice of every change that somebody else could have made."""

from __future__ import annotations

from flask_babel import force_locale, gettext

from core import mail
from core.people.users import User
from core.settings import value


def N_(text: str) -> str:  # noqa: N802 - gettext's name for a text that is translated later
    """Mark a text for the catalogue."""
    return text


NEWS = {
    "password": N_("Your password was changed."),
    "email": N_("Your e-mail address was changed."),
    "totp_on": N_("An app for second-factor codes was added."),
    "totp_off": N_("The app for second-factor codes was removed."),
    "recovery_new": N_("New recovery codes were made; the old ones are void."),
    "recovery_used": N_("A recovery code was used to sign in."),
    "passkey_on": N_("A passkey was added."),
    "passkey_off": N_("A passkey was removed."),
    "sign_in": N_("Somebody signed in with your password: %(device)s."),
    "device": N_("Your purchases were brought to another device: %(device)s."),
    "sign_out": N_("All your other devices were signed out."),
    "role": N_("Your role here was changed."),
    "disabled": N_("You can no longer sign in here."),
    "active": N_("You can sign in here again."),
    "token": N_("A personal token was made, by which a machine acts as you: “%(device)s”."),
    "erased": N_("Your data here was erased, as you asked."),
}
"""What is told of each change; whoever did it themselves reads it and does nothing."""


def notify(user: User, news: str, *, email: str = "", device: str = "") -> None:
    """Tell a user of a change, in their language, by a message in the same transaction."""
    recipient = email or user.email
    if not recipient:
        return
    site = value("site.name")
    with force_locale(user.language):
        told = gettext(NEWS[news], device=device or gettext("an unknown device"))
        subject = gettext("A change to your user at %(site)s", site=site)
        body = gettext(
            "%(news)s\n\nIf that was you, there is nothing to do. If not, sign in, sign out "
            "everywhere, and change your password and second factor.\n\n%(site)s",
            news=told, site=site,
        )  # fmt: skip
    # What is sealed by a key that is destroyed next could not be sent any more.
    holder = "" if news == "erased" else user.id
    mail.send(recipient, subject, body, user.language, holder=holder)


def send_code(
    email: str, digits: str, link: str, *, language: str, holder: str, why: str = ""
) -> None:
    """Send six digits, and a link, if there is one, that does the same on another device."""
    site = value("site.name")
    with force_locale(language):
        subject = gettext("%(code)s is your code for %(site)s", code=digits, site=site)
        parts = [
            why,
            digits,
            gettext("Type this code where you were asked for it."),
            gettext("On another device open this address instead and press the button there:")
            if link else "",
            link,
            gettext(
                "It counts once, for 15 minutes. If you did not ask for it, do nothing: without it "
                "nobody gets in."
            ),
        ]  # fmt: skip
    mail.send(email, subject, "\n\n".join(filter(None, parts)), language, holder=holder)


def send_link(user: User, link: str) -> None:
    """Send somebody the link by which they sign in for the first time."""
    site = value("site.name")
    with force_locale(user.language):
        subject = gettext("You are invited to %(site)s", site=site)
        body = gettext(
            "Somebody made a user for you at %(site)s. Open this address and press the button "
            "there; after that you set up a second factor.\n\n%(link)s\n\nIt counts once, for a "
            "week.", site=site, link=link,
        )  # fmt: skip
    mail.send(user.email, subject, body, user.language, holder=user.id)
