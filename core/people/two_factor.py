"""The second factor: codes of an app (TOTP, RFC 6238) and recovery codes on paper."""

from __future__ import annotations

import hashlib
import secrets
from base64 import b32encode
from dataclasses import dataclass

import pyotp
import segno
from markupsafe import Markup

from core import audit
from core.clock import now
from core.errors import Conflict
from core.people.users import User
from core.storage import execute, insert, micros, transaction, vault

STEP_SECONDS = 30
DRIFT = 1
"""How many steps a phone's clock may be off (RFC 6238, 5.2: at most one)."""
RECOVERY_CODES = 10
RECOVERY_BYTES = 15
"""120 random bits a code, so that a fast hash is enough for it."""


@dataclass(slots=True)
class _Site:
    """What the site told this process."""

    key: bytes = b""


_site = _Site()


def set_key(key: bytes) -> None:
    """Take the site's own key for the hashes of recovery codes."""
    _site.key = key


def new_seed() -> str:
    """Return a new secret for an app, 160 random bits (RFC 4226, 4)."""
    return pyotp.random_base32()


def address_of(seed: str, *, name: str, site: str) -> str:
    """Return the otpauth address that an app reads."""
    return pyotp.TOTP(seed).provisioning_uri(name=name, issuer_name=site)


def picture_of(address: str) -> Markup:
    """Return a QR code as an SVG element, dark on light whatever the page's colours are."""
    code = segno.make(address, error="m")
    return Markup(code.svg_inline(border=4, light="#fff", omitsize=True, svgclass=None))  # noqa: S704 - squares


def _matching_step(seed: str, code: str) -> int | None:
    digits = "".join(code.split())
    if len(digits) != 6 or not (digits.isascii() and digits.isdigit()):
        return None
    present = int(now().timestamp()) // STEP_SECONDS
    totp = pyotp.TOTP(seed)
    steps = range(present - DRIFT, present + DRIFT + 1)
    found = [step for step in steps if secrets.compare_digest(totp.generate_otp(step), digits)]
    return found[-1] if found else None


def enrol(user: User, seed: str, code: str, *, address: str = "") -> bool:
    """Take a new app for a user once a code of it is shown; False when the code is wrong."""
    step = _matching_step(seed, code)
    if step is None:
        return False
    cell = vault.seal(
        seed, table="people_user", column="totp", row=user.id, subject=f"person:{user.id}"
    )
    at = micros(now())
    with transaction():
        execute(
            "UPDATE people_user SET totp = ?, totp_step = ?, totp_since = ?, changed = ? "
            "WHERE id = ?",
            [cell, step, at, at, user.id],
        )
        audit.record("user.totp_on", actor=user.id, subject=user.id, address=address)
    return True


def accept(user_id: str, code: str) -> bool:
    """Tell whether a code is right and was never used; it is used up by that.

    The time step is stored, and only a larger one is taken, by one conditional UPDATE: the same
    code sent twice at the same time is accepted once.
    """
    row = execute("SELECT totp FROM people_user WHERE id = ?", [user_id]).fetchone()
    if row is None or row[0] is None:
        return False
    seed = vault.unseal(bytes(row[0]), table="people_user", column="totp", row=user_id)
    step = _matching_step(seed, code)
    if step is None:
        return False
    with transaction():
        cursor = execute(
            "UPDATE people_user SET totp_step = ? WHERE id = ? AND totp_step < ?",
            [step, user_id, step],
        )
    return bool(cursor.rowcount == 1)


def remove(user: User, *, actor: str, address: str = "") -> None:
    """Take a user's app and recovery codes away."""
    with transaction():
        execute(
            "UPDATE people_user SET totp = NULL, totp_since = NULL, changed = ? WHERE id = ?",
            [micros(now()), user.id],
        )
        execute("DELETE FROM people_recovery WHERE user_id = ?", [user.id])
        audit.record("user.totp_off", actor=actor, subject=user.id, address=address)


def new_recovery_codes(user_id: str, *, address: str = "") -> list[str]:
    """Make ten recovery codes; those from before are void. They are shown this once."""
    codes = [_spaced(b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode()) for _ in range(10)]
    assert len(codes) == RECOVERY_CODES
    with transaction():
        execute("DELETE FROM people_recovery WHERE user_id = ?", [user_id])
        insert("people_recovery", [
            {"user_id": user_id, "code": _hashed(user_id, code), "used": None} for code in codes
        ])  # fmt: skip
        audit.record("user.recovery_new", actor=user_id, subject=user_id, address=address)
    return codes


def _spaced(text: str) -> str:
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4)).lower()


def _hashed(user_id: str, code: str) -> str:
    if not _site.key:
        raise Conflict("The site’s keys are not there yet.")
    plain = "".join(c for c in code.lower() if c.isalnum())
    return hashlib.blake2b(f"{user_id}|{plain}".encode(), key=_site.key, digest_size=32).hexdigest()


def burn(user_id: str, code: str, *, address: str = "") -> bool:
    """Tell whether a recovery code is right and unused; it is used up by that."""
    with transaction():
        cursor = execute(
            "UPDATE people_recovery SET used = ? WHERE user_id = ? AND code = ? AND used IS NULL",
            [micros(now()), user_id, _hashed(user_id, code)],
        )
        if cursor.rowcount != 1:
            return False
        audit.record("user.recovery_used", actor=user_id, subject=user_id, address=address)
    return True


def recovery_left(user_id: str) -> int:
    """Return how many recovery codes a user has left."""
    sql = "SELECT COUNT(*) FROM people_recovery WHERE user_id = ? AND used IS NULL"
    return int(execute(sql, [user_id]).fetchone()[0])
