"""Who is signed in: one row for each browser, found by a random token whose hash is stored.

A session ends when it was idle or old for too long, when its user ends it, and with its user.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from core import audit
from core.clock import now
from core.people import roles
from core.storage import execute, insert, instant, micros, new_id, transaction

TOKEN_BYTES = 32
SEEN_EVERY = timedelta(minutes=5)
IDLE, LONGEST = timedelta(days=60), timedelta(days=400)
"""A reader's session: after so long without a visit, and after so long at all, it is over."""
STAFF_IDLE, STAFF_LONGEST = timedelta(hours=12), timedelta(days=7)
"""The same for staff."""
CONFIRMED_FOR = timedelta(minutes=10)
"""How long a step-up counts."""


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser, its user's rights, and the guests whose things the user holds.

    `strong`: a second factor or a passkey was shown. `confirmed`: when who sits there last proved
    to be the user.
    """

    id: str
    user: str
    device: str
    strong: bool
    started: datetime
    seen: datetime
    confirmed: datetime
    role: str = roles.READER
    language: str = ""
    protected: bool = False
    claimed: tuple[str, ...] = ()

    @property
    def holders(self) -> tuple[str, ...]:
        """All holders of the user, the user's own first."""
        return (self.user, *self.claimed)

    @property
    def permissions(self) -> frozenset[str]:
        """What the user may do here: nothing of staff's without a second factor."""
        return roles.permissions_of(self.role) if self.strong else frozenset()

    def is_over(self, at: datetime) -> bool:
        """Tell whether it was idle or old for too long."""
        staff = roles.is_staff(self.role)
        idle, longest = (STAFF_IDLE, STAFF_LONGEST) if staff else (IDLE, LONGEST)
        return at >= self.seen + idle or at >= self.started + longest

    def is_confirmed(self, at: datetime) -> bool:
        """Tell whether a step-up still counts: one without a factor that the user has does not."""
        has_shown = self.strong or not self.protected
        return has_shown and at < self.confirmed + CONFIRMED_FOR


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def start(
    user: str, *, strong: bool, proved: bool = True, agent: str = "", address: str = ""
) -> str:
    """Sign a user in; return the token for the browser's cookie. `proved` counts as a step-up."""
    token, at = secrets.token_urlsafe(TOKEN_BYTES), micros(now())
    session_id = new_id("ses")
    with transaction():
        insert("people_session", {
            "id": session_id, "token": _hashed(token), "user_id": user, "device": device_of(agent),
            "strong": int(strong), "started": at, "seen": at, "confirmed": at if proved else 0,
        })  # fmt: skip
        audit.record("session.start", actor=user, subject=session_id, address=address)
    return token


FIND = """
SELECT s.id, s.user_id, s.device, s.strong, s.started, s.seen, s.confirmed, u.role, u.language,
u.totp_since IS NOT NULL OR EXISTS (SELECT 1 FROM people_passkey p WHERE p.user_id = u.id),
c.holder
FROM people_session s JOIN people_user u ON u.id = s.user_id
LEFT JOIN people_claim c ON c.user_id = u.id
WHERE s.token = ? AND u.state = 'active' ORDER BY c.at, c.holder
"""


def by_token(token: str) -> Session | None:
    """Return the session of a browser, if it is not over; note at times that it was seen."""
    rows = execute(FIND, [_hashed(token)]).fetchall()
    if not rows:
        return None
    first = rows[0]
    session = Session(
        first[0], first[1], first[2], bool(first[3]), instant(first[4]), instant(first[5]),
        instant(first[6]), first[7], first[8], bool(first[9]),
        tuple(row[10] for row in rows if row[10] is not None),
    )  # fmt: skip
    at = now()
    if session.is_over(at):
        return None
    if at >= session.seen + SEEN_EVERY:
        with transaction():
            execute("UPDATE people_session SET seen = ? WHERE id = ?", [micros(at), session.id])
        session = replace(session, seen=at)
    return session


def confirm(session: Session, *, strong: bool, address: str = "") -> str:
    """Note a step-up; return a new token, for the old one may have been seen by somebody."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    with transaction():
        execute(
            "UPDATE people_session SET token = ?, strong = ?, confirmed = ? WHERE id = ?",
            [_hashed(token), int(strong or session.strong), micros(now()), session.id],
        )
        audit.record("session.confirm", actor=session.user, subject=session.id, address=address)
    return token


def end(session_id: str, user: str, *, actor: str, address: str = "") -> bool:
    """End one session of a user; the next request in any process finds it gone."""
    with transaction():
        sql = "DELETE FROM people_session WHERE id = ? AND user_id = ?"
        if execute(sql, [session_id, user]).rowcount != 1:
            return False
        audit.record("session.end", actor=actor, subject=session_id, address=address)
    return True


def end_all(user: str, *, actor: str, but: str = "", address: str = "") -> int:
    """End all sessions of a user, but perhaps the one they sit at; return how many."""
    with transaction():
        sql = "DELETE FROM people_session WHERE user_id = ? AND id <> ?"
        ended = int(execute(sql, [user, but]).rowcount)
        if ended:
            audit.record(
                "session.end_all", actor=actor, subject=user, address=address, sessions=ended
            )
    return ended


def end_everywhere(*, actor: str) -> int:
    """End every session of the site; return how many. A restored database has ended ones."""
    with transaction():
        ended = int(execute("DELETE FROM people_session").rowcount)
        audit.record("session.end_everywhere", actor=actor, sessions=ended)
    return ended


def of_user(user: str) -> list[Session]:
    """Return the open sessions of a user, the one that was seen last first."""
    rows = execute(
        "SELECT s.id, s.user_id, s.device, s.strong, s.started, s.seen, s.confirmed, u.role "
        "FROM people_session s JOIN people_user u ON u.id = s.user_id "
        "WHERE s.user_id = ? ORDER BY s.seen DESC",
        [user],
    ).fetchall()
    found = [
        Session(
            id, user, device, bool(strong), instant(started), instant(seen), instant(confirmed),
            role,
        )
        for id, _, device, strong, started, seen, confirmed, role in rows
    ]  # fmt: skip
    return [one for one in found if not one.is_over(now())]


def forget(at: datetime) -> int:
    """Delete the rows of sessions that are over; return how many."""
    longest = micros(at - LONGEST)
    sql = "DELETE FROM people_session WHERE started < ? OR seen < ?"
    return int(execute(sql, [longest, micros(at - IDLE)]).rowcount)


BROWSERS = (
    ("Edg/", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"), ("FxiOS/", "Firefox"), ("CriOS/", "Chrome"), ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)  # fmt: skip
"""What names a browser in its User-Agent, the most particular first."""
SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("CrOS", "ChromeOS"),
    ("Windows", "Windows"), ("Mac OS X", "Mac"), ("Linux", "Linux"),
)  # fmt: skip


def device_of(agent: str) -> str:
    """Return a few words for a browser, such as `Firefox, Android`; never its whole User-Agent."""
    browser = next((name for mark, name in BROWSERS if mark in agent), "")
    system = next((name for mark, name in SYSTEMS if re.search(rf"\b{mark}\b", agent)), "")
    return ", ".join(part for part in (browser, system) if part)
