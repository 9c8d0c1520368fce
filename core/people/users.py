"""Users: people who can sign in, and the guests' holders that they claimed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from email_validator import EmailNotValidError, validate_email

from core import audit
from core.clock import now
from core.errors import BadInput, NotFound
from core.people import roles
from core.storage import (
    execute,
    insert,
    instant,
    lock_name,
    micros,
    new_id,
    transaction,
    vault,
)

PREFIX = "usr"
LONGEST_NAME = 80
EMAIL_COLUMN = "people_user.email"


@dataclass(frozen=True, slots=True)
class User:
    """A person who can sign in. `id` is also the holder that owns what they buy.

    `email` and `name` are empty when there are none. `password` is a hash, or None.
    """

    id: str
    state: str
    role: str
    language: str
    email: str
    name: str
    receipts: bool
    password: str | None
    totp_since: datetime | None
    created: datetime

    @property
    def active(self) -> bool:
        """Whether they may sign in."""
        return self.state == "active"

    @property
    def staff(self) -> bool:
        """Whether they may do more than any reader."""
        return roles.is_staff(self.role)


def clean_email(text: str) -> str:
    """Return an address as it is written to. Raises BadInput. No network is asked."""
    try:
        found = validate_email(text.strip(), check_deliverability=False)
    except EmailNotValidError:
        raise BadInput("This is not an e-mail address.") from None
    return found.normalized


def clean_name(text: str) -> str:
    """Return a name on one line. Raises BadInput."""
    name = " ".join(text.split())
    if len(name) > LONGEST_NAME or not all(c.isprintable() for c in name):
        raise BadInput("A name has at most {most} characters, all on one line.", most=LONGEST_NAME)
    return name


def create(
    *, email: str = "", name: str = "", role: str = roles.READER, language: str = "en",
    password: str | None = None, actor: str = "", address: str = "", user_id: str = "",
) -> User:  # fmt: skip
    """Make a user; `password` is a hash. Raises IntegrityError when the address is taken."""
    user_id, at = user_id or new_id(PREFIX), micros(now())
    with transaction():
        insert("people_user", {
            "id": user_id, "state": "active", "role": role, "language": language,
            "email": _sealed("email", user_id, email),
            "email_index": vault.blind_index(EMAIL_COLUMN, email) if email else None,
            "name": _sealed("name", user_id, name), "receipts": 1, "password": password,
            "totp": None, "totp_step": 0, "totp_since": None, "created": at, "changed": at,
        })  # fmt: skip
        audit.record(
            "user.create", actor=actor or user_id, subject=user_id, address=address, role=role
        )
    return find(user_id)


def _sealed(column: str, user_id: str, text: str) -> bytes | None:
    if not text:
        return None
    return vault.seal(
        text, table="people_user", column=column, row=user_id, subject=f"person:{user_id}"
    )


def _opened(column: str, user_id: str, cell: bytes | None) -> str:
    if cell is None:
        return ""
    return vault.unseal(bytes(cell), table="people_user", column=column, row=user_id)


COLUMNS = "id, state, role, language, email, name, receipts, password, totp_since, created"


def _user(row: Sequence[Any]) -> User:
    user_id, state, role, language, email, name, receipts, password, since, created = row
    return User(
        id=user_id,
        state=state,
        role=role,
        language=language,
        email=_opened("email", user_id, email),
        name=_opened("name", user_id, name),
        receipts=bool(receipts),
        password=password,
        totp_since=None if since is None else instant(since),
        created=instant(created),
    )


def find(user_id: str) -> User:
    """Return a user. Raises NotFound."""
    row = execute(f"SELECT {COLUMNS} FROM people_user WHERE id = ?", [user_id]).fetchone()
    if row is None:
        raise NotFound("There is no such user.")
    return _user(row)


def name_of(user_id: str) -> str:
    """Return how a user is called among staff: their name, else their address; empty for nobody."""
    try:
        user = find(user_id)
    except NotFound:
        return ""
    return user.name or user.email


def by_email(email: str) -> User | None:
    """Return the user with this address, however it is written."""
    row = _row_of(email, COLUMNS)
    return None if row is None else _user(row)


def password_of(email: str) -> tuple[str, str | None] | None:
    """Return the id and the password's hash of who has this address.

    Nothing sealed is opened: whether there is such a user cannot be told from the time it takes.
    """
    row = _row_of(email, "id, password")
    return None if row is None else (row[0], row[1])


def _row_of(email: str, columns: str) -> Sequence[Any] | None:
    indexes = vault.blind_indexes(EMAIL_COLUMN, email)
    marks = ", ".join("?" * len(indexes))
    sql = f"SELECT {columns} FROM people_user WHERE email_index IN ({marks})"
    row: Sequence[Any] | None = execute(sql, indexes).fetchone()
    return row


def listed(*, staff_only: bool = False, limit: int = 500) -> list[User]:
    """Return users, newest first, without those that were erased."""
    where = "AND role <> 'reader' " if staff_only else ""
    sql = (
        f"SELECT {COLUMNS} FROM people_user WHERE state <> 'erased' {where}"
        "ORDER BY created DESC LIMIT ?"
    )
    return [_user(row) for row in execute(sql, [limit]).fetchall()]


def has_owner() -> bool:
    """Tell whether somebody owns this site already."""
    sql = "SELECT 1 FROM people_user WHERE role = 'owner' AND state = 'active' LIMIT 1"
    return execute(sql).fetchone() is not None


def _change(user_id: str, column: str, value: object) -> None:
    execute(
        f"UPDATE people_user SET {column} = ?, changed = ? WHERE id = ?",
        [value, micros(now()), user_id],
    )


def set_email(user: User, email: str, *, actor: str, address: str = "") -> None:
    """Give a user another address, which they proved to read."""
    with transaction():
        _change(user.id, "email", _sealed("email", user.id, email))
        _change(user.id, "email_index", vault.blind_index(EMAIL_COLUMN, email))
        audit.record("user.email", actor=actor, subject=user.id, address=address)


def set_name(user: User, name: str) -> None:
    """Give a user another name, or none."""
    with transaction():
        _change(user.id, "name", _sealed("name", user.id, name))
        audit.record("user.name", actor=user.id, subject=user.id)


def set_messages(user: User, language: str, *, receipts: bool) -> None:
    """Write to a user in this language, and send receipts or none."""
    with transaction():
        _change(user.id, "language", language)
        _change(user.id, "receipts", int(receipts))


def set_password(user: User, hashed: str | None, *, actor: str, address: str = "") -> None:
    """Give a user another password, as a hash, or none."""
    with transaction():
        _change(user.id, "password", hashed)
        audit.record("user.passphrase_change", actor=actor, subject=user.id, address=address)


def rehash_password(user: User, hashed: str) -> None:
    """Store the same password under newer parameters."""
    execute(
        "UPDATE people_user SET password = ? WHERE id = ? AND password = ?",
        [hashed, user.id, user.password],
    )


def set_role(user: User, role: str, *, actor: str, address: str = "") -> None:
    """Give a user another role. Raises BadInput; the last owner stays one."""
    if role not in roles.ROLES:
        raise BadInput("There is no such role.")
    with transaction():
        if user.role == roles.OWNER and role != roles.OWNER:
            _refuse_last_owner(user)
        _change(user.id, "role", role)
        audit.record(
            "user.role", actor=actor, subject=user.id, address=address, role=role, before=user.role
        )


def set_state(user: User, state: str, *, actor: str, address: str = "") -> None:
    """Let a user in again, or no longer. Raises BadInput for the last owner."""
    assert state in ("active", "disabled")
    with transaction():
        if state == "disabled" and user.role == roles.OWNER:
            _refuse_last_owner(user)
        _change(user.id, "state", state)
        audit.record(f"user.{state}", actor=actor, subject=user.id, address=address)


def _refuse_last_owner(user: User) -> None:
    lock_name("owners")
    sql = "SELECT 1 FROM people_user WHERE role = 'owner' AND state = 'active' AND id <> ? LIMIT 1"
    if execute(sql, [user.id]).fetchone() is None:
        raise BadInput("This is the only owner; make somebody else an owner first.")


def erase(user: User, *, actor: str, address: str = "") -> None:
    """Forget who a user was; what they bought stays with a holder that nobody can name."""
    with transaction():
        if user.role == roles.OWNER:
            _refuse_last_owner(user)
        execute(
            "UPDATE people_user SET state = 'erased', role = 'reader', email = NULL, "
            "email_index = NULL, name = NULL, password = NULL, totp = NULL, totp_since = NULL, "
            "changed = ? WHERE id = ?",
            [micros(now()), user.id],
        )
        audit.record("user.erase", actor=actor, subject=user.id, address=address)


def claim(user_id: str, holder: str) -> bool:
    """Tie a guest's holder to a user; False when somebody has it already.

    The holder itself never changes, and belongs to one user for ever.
    """
    row = {"holder": holder, "user_id": user_id, "at": micros(now())}
    with transaction():
        if not insert("people_claim", row, ignore=True):
            return False
        audit.record("user.claim", actor=user_id, subject=holder)
    return True


def claimed_by(user_id: str) -> list[str]:
    """Return the guests' holders that a user claimed, oldest first."""
    sql = "SELECT holder FROM people_claim WHERE user_id = ? ORDER BY at, holder"
    return [row[0] for row in execute(sql, [user_id]).fetchall()]


def holders_of(holder: str) -> list[str]:
    """Return a holder, and the guests' holders that it claimed where it is a user."""
    return [holder, *claimed_by(holder)]


def claimant(holder: str) -> str | None:
    """Return the user who claimed a guest's holder."""
    row = execute("SELECT user_id FROM people_claim WHERE holder = ?", [holder]).fetchone()
    return None if row is None else str(row[0])
