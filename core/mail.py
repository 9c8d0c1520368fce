"""Messages in an outbox: stored with the change that caused them, sent by a task, tried again.

Whom it goes to and what it says are sealed, by the key of the person it is for if one is named.
A message is sent at least once. Each carries a Message-ID made of its row, so that a second copy
can be told from a second message.
"""

from __future__ import annotations

import ipaddress
import logging
import smtplib
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from core.clock import now
from core.errors import Refused
from core.storage import (
    Shredded,
    Unreadable,
    after_commit,
    execute,
    in_transaction,
    insert,
    instant,
    micros,
    new_id,
    seal,
    unseal,
)

log = logging.getLogger("obolo.mail")

PAUSES = (
    timedelta(minutes=1),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(days=1),
)
MOST_TRIES = len(PAUSES) + 1
MOST_IN_A_ROW = 200
TABLE = "mail_message"
LONGEST_RECIPIENT = 254  # RFC 5321, 4.5.3.1.3, without the angle brackets
LONGEST_SUBJECT = 300
FIXED_BLANKS = "\u00a0\u202f"
"""They stand between an amount and its currency; to Python they are not printable."""
LONGEST_BODY = 100_000
SERVER_SECONDS = 20
PORTS = {"smtp": 587, "smtps": 465}


@dataclass(frozen=True, slots=True)
class Message:
    """One message in plain text, as it stands in the outbox."""

    id: str
    recipient: str
    subject: str
    body: str
    language: str
    created: datetime


class NoServer(OSError):
    """The mail server cannot be used at all, so there is no point in trying further messages."""


Transport = Callable[[Message], bool]

NOBODY = "obolo@localhost"


class _Ways:
    """How messages leave this process."""

    server = urlsplit("console:")
    sender = NOBODY
    first: Transport | None = None
    wake: Callable[[], object] | None = None


_ways = _Ways()


def configure(url: str, *, sender: str = "") -> None:
    """Choose how messages leave: `console:` (into the log), `smtp://user:password@host:port`.

    `smtp:` asks for encryption before it says anything (not on this machine itself), `smtps:` is
    encrypted from the start. `sender` is the address that recipients see.
    """
    _ways.server = urlsplit(url)
    _ways.sender = sender or NOBODY


def set_first(transport: Transport | None) -> None:
    """Ask this one first: it returns True when it took the message, False to leave it to us."""
    _ways.first = transport


def set_wake(wake: Callable[[], object] | None) -> None:
    """Call this after a message was stored, so that it does not wait for the next minute."""
    _ways.wake = wake


def send(
    recipient: str, subject: str, body: str, language: str, *, holder: str = "", about: str = ""
) -> str:
    """Put a message into the outbox, in the caller's transaction if one is open; return its id.

    With `holder` it is sealed by that person's key, and is never sent once the person is erased.
    `about` is the id of what it tells of, such as an order.
    Raises Shredded for one who is, and Refused when the recipient or the subject could smuggle
    further headers or recipients.
    """
    _check(recipient, subject, body)
    at = micros(now())
    message_id = new_id("msg")
    key_subject = f"person:{holder}" if holder else "shop:mail"
    texts = {"recipient": recipient, "subject": subject, "body": body}
    row = {
        "id": message_id,
        **{
            column: seal(text, table=TABLE, column=column, row=message_id, subject=key_subject)
            for column, text in texts.items()
        },
        "language": language,
        "about": about,
        "created": at,
        "attempts": 0,
        "next_try": at,
    }
    insert("mail_message", row)
    if _ways.wake is not None:
        after_commit(_ways.wake)
    return message_id


def deliver_due(at: datetime) -> int:
    """Send what is due, oldest first, 200 at most; return how many left.

    One that fails is tried again after 1 minute, 10 minutes, 1 hour, 6 hours and 1 day, then
    given up with the error kept.
    """
    assert not in_transaction(), "no transaction waits for a mail server"
    rows = execute(
        "SELECT id, recipient, subject, body, language, created, attempts FROM mail_message "
        "WHERE next_try <= ? ORDER BY next_try, id LIMIT ?",
        [micros(at), MOST_IN_A_ROW],
    ).fetchall()
    done = 0
    for message_id, *cells, language, created, attempts in rows:
        if not _claim(message_id, attempts, at):
            continue
        try:
            message = Message(message_id, *_opened(message_id, cells), language, instant(created))
        except (Shredded, Unreadable) as error:
            _note_failure(message_id, MOST_TRIES, error)
            continue
        try:
            _deliver(message)
        except Exception as error:  # noqa: BLE001 - a transport may be a plugin's
            _note_failure(message.id, attempts + 1, error, message.recipient)
            if isinstance(error, NoServer):
                break
        else:
            _note_success(message.id)
            done += 1
    return done


def forget(created_before: datetime) -> int:
    """Delete messages that were sent or given up and are older than this; return how many."""
    sql = "DELETE FROM mail_message WHERE next_try IS NULL AND created < ?"
    return int(execute(sql, [micros(created_before)]).rowcount)


@dataclass(frozen=True, slots=True)
class Kept:
    """A message as staff see it in the outbox; its texts are empty when nobody can open them.

    One that was not sent and has no `next_try` is given up.
    """

    id: str
    recipient: str
    subject: str
    created: datetime
    sent: datetime | None
    next_try: datetime | None
    attempts: int
    error: str


def outbox(*, limit: int, offset: int = 0, unsent: bool = False, to: str = "") -> list[Kept]:
    """Return what is kept of messages, newest first; with `to` what goes to one address."""
    where = "WHERE sent IS NULL" if unsent else ""
    kept = _outbox(where, [limit, offset])
    return [one for one in kept if one.recipient == to] if to else kept


def told_of(about: str, *, limit: int = 100) -> list[Kept]:
    """Return what is kept of the messages that tell of something, newest first."""
    return _outbox("WHERE about = ?", [about, limit, 0])


def _outbox(where: str, given: list[object]) -> list[Kept]:
    rows = execute(
        "SELECT id, recipient, subject, created, sent, next_try, attempts, COALESCE(error, '') "
        f"FROM mail_message {where} ORDER BY id DESC LIMIT ? OFFSET ?",
        given,
    ).fetchall()
    return [_kept(*row) for row in rows]


def _kept(message_id: str, recipient: bytes, subject: bytes, *rest: Any) -> Kept:
    created, sent, next_try, attempts, error = rest
    to, about = "", ""
    with suppress(Shredded, Unreadable):
        to, about = (
            unseal(bytes(cell), table=TABLE, column=column, row=message_id)
            for column, cell in (("recipient", recipient), ("subject", subject))
        )
    sent, next_try = (None if one is None else instant(one) for one in (sent, next_try))
    return Kept(message_id, to, about, instant(created), sent, next_try, attempts, error)


def given_up() -> int:
    """Return how many messages were given up and are still kept."""
    sql = "SELECT COUNT(*) FROM mail_message WHERE sent IS NULL AND next_try IS NULL"
    return int(execute(sql).fetchone()[0])


def is_console() -> bool:
    """Tell whether what no plugin takes is only printed into the log."""
    return _ways.server.scheme == "console"


def resend(message_id: str) -> bool:
    """Have a message that was not sent tried anew from now on; False when there is no such one."""
    done = execute(
        "UPDATE mail_message SET next_try = ?, attempts = 0 WHERE id = ? AND sent IS NULL",
        [micros(now()), message_id],
    )
    if _ways.wake is not None:
        after_commit(_ways.wake)
    return bool(done.rowcount)


def _check(recipient: str, subject: str, body: str) -> None:
    name, at, domain = recipient.rpartition("@")
    odd = any(not c.isprintable() or c in ' ,;:<>()[]"\\' for c in recipient)
    if odd or "@" in name or not (name and at and domain) or len(recipient) > LONGEST_RECIPIENT:
        raise Refused("This is not an e-mail address to which a message can be sent.")
    if len(subject) > LONGEST_SUBJECT or any(
        not c.isprintable() and c not in FIXED_BLANKS for c in subject
    ):
        raise Refused("The subject of a message is one line of at most 300 characters.")
    if len(body) > LONGEST_BODY:
        raise Refused("This message is too long to be sent.")


def _claim(message_id: str, attempts: int, at: datetime) -> bool:
    """Take a message for this try, so that another worker passes it over."""
    if attempts >= MOST_TRIES:  # the last try ended without a word: it took its process along
        execute("UPDATE mail_message SET next_try = NULL WHERE id = ?", [message_id])
        return False
    following = at + PAUSES[min(attempts, len(PAUSES) - 1)]
    cursor = execute(
        "UPDATE mail_message SET attempts = attempts + 1, next_try = ? "
        "WHERE id = ? AND attempts = ? AND next_try IS NOT NULL",
        [micros(following), message_id, attempts],
    )
    return bool(cursor.rowcount == 1)


def _note_success(message_id: str) -> None:
    execute(
        "UPDATE mail_message SET sent = ?, next_try = NULL, error = NULL WHERE id = ?",
        [micros(now()), message_id],
    )


def _opened(message_id: str, cells: list[bytes]) -> tuple[str, str, str]:
    recipient, subject, body = (
        unseal(cell, table=TABLE, column=column, row=message_id)
        for column, cell in zip(("recipient", "subject", "body"), cells, strict=True)
    )
    return recipient, subject, body


def _note_failure(message_id: str, attempts: int, error: Exception, recipient: str = "") -> None:
    """Keep what went wrong; servers like to repeat the address, which stays sealed."""
    said = f"{type(error).__name__}: {error}"
    text = (said.replace(recipient, "(recipient)") if recipient else said)[:300]
    execute("UPDATE mail_message SET error = ? WHERE id = ?", [text, message_id])
    if attempts >= MOST_TRIES:
        execute("UPDATE mail_message SET next_try = NULL WHERE id = ?", [message_id])
        log.error("message %s is given up after %s tries: %s", message_id, attempts, text)
    else:
        log.warning("message %s was not sent, try %s: %s", message_id, attempts, text)


def _deliver(message: Message) -> None:
    if _ways.first is not None and _ways.first(message):
        return
    if _ways.server.scheme == "console":
        log.info(
            "message %s to %s: %s\n%s",
            message.id, message.recipient, message.subject, message.body,
        )  # fmt: skip
    else:
        _deliver_by_smtp(message, _ways.server)


def _deliver_by_smtp(message: Message, server: SplitResult) -> None:
    try:
        connection = _open(server)
    except (OSError, smtplib.SMTPException) as error:
        raise NoServer(f"{server.hostname}: {type(error).__name__}: {error}") from error
    try:
        connection.send_message(_as_email(message), _ways.sender, [message.recipient])
    finally:
        with suppress(OSError, smtplib.SMTPException):  # it was taken, however the goodbye goes
            connection.quit()
        connection.close()


def _open(server: SplitResult) -> smtplib.SMTP:
    host, port = server.hostname or "", server.port or PORTS[server.scheme]
    tls = ssl.create_default_context()
    if server.scheme == "smtps":
        connection: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=SERVER_SECONDS, context=tls)
    else:
        connection = smtplib.SMTP(host, port, timeout=SERVER_SECONDS)
    try:
        connection.ehlo()
        if server.scheme == "smtp" and (connection.has_extn("starttls") or not _is_here(host)):
            connection.starttls(context=tls)
            connection.ehlo()
        if server.username:
            connection.login(unquote(server.username), unquote(server.password or ""))
    except BaseException:
        connection.close()
        raise
    return connection


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _as_email(message: Message) -> EmailMessage:
    email = EmailMessage(policy=SMTP)
    email["From"] = _ways.sender
    email["To"] = message.recipient
    email["Subject"] = message.subject
    email["Date"] = format_datetime(message.created)
    email["Message-ID"] = f"<{message.id}@{_ways.sender.rpartition('@')[2]}>"
    email["Auto-Submitted"] = "auto-generated"
    email.set_content(message.body)
    email["Content-Language"] = message.language  # after the content, which clears its headers
    return email
