"""Passkeys (WebAuthn level 3): kept by a device; password and second factor in one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core import audit
from core.clock import now
from core.errors import BadInput, Refused
from core.people import codes
from core.people.users import User
from core.storage import execute, insert, instant, micros, transaction, vault

MAKE, SHOW = "passkey.make", "passkey.show"
LONGEST_NAME = 60
MOST = 20


@dataclass(frozen=True, slots=True)
class Place:
    """Where the site is: a passkey belongs to its host name and answers its origin only."""

    host: str
    origin: str
    name: str


@dataclass(frozen=True, slots=True)
class Passkey:
    """What is kept of a passkey; `id` is its credential id in base64url."""

    id: str
    user: str
    name: str
    created: datetime
    used: datetime | None


def of_user(user_id: str) -> list[Passkey]:
    """Return a user's passkeys, oldest first."""
    rows = execute(
        "SELECT id, user_id, name, created, used FROM people_passkey WHERE user_id = ? "
        "ORDER BY created",
        [user_id],
    ).fetchall()
    return [
        Passkey(
            id, user,
            vault.unseal(bytes(name), table="people_passkey", column="name", row=id),
            instant(created), None if used is None else instant(used),
        )
        for id, user, name, created, used in rows
    ]  # fmt: skip


def options_to_make(user_id: str, label: str, place: Place) -> dict[str, Any]:
    """Return what the browser is asked to make; the challenge counts once, for 15 minutes.

    The passkey's list on the device shows `label`.
    """
    import webauthn  # noqa: PLC0415 - 150 ms to load, and few requests need it
    from webauthn.helpers import structs  # noqa: PLC0415

    issued = codes.issue(MAKE, {"user": user_id})
    options = webauthn.generate_registration_options(
        rp_id=place.host, rp_name=place.name, user_id=user_id.encode(),
        user_name=label or place.name, user_display_name=label or place.name,
        challenge=issued.token.encode(),
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.REQUIRED,
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[
            structs.PublicKeyCredentialDescriptor(id=webauthn.base64url_to_bytes(one.id))
            for one in of_user(user_id)
        ],
    )  # fmt: skip
    found: dict[str, Any] = json.loads(webauthn.options_to_json(options))
    return found


def _challenge(credential: dict[str, Any]) -> str:
    """Read the challenge that the browser says it answered; its signature is checked later."""
    import webauthn  # noqa: PLC0415

    try:
        data = webauthn.base64url_to_bytes(credential["response"]["clientDataJSON"])
        challenge = webauthn.base64url_to_bytes(json.loads(data)["challenge"])
        return challenge.decode()
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput("This is no answer of a passkey.") from error


def user_asked(credential: dict[str, Any]) -> str:
    """Return for whom the browser was asked to make this passkey. Raises BadInput, Refused."""
    asked = codes.waits(_challenge(credential), MAKE)
    if asked is None:
        raise Refused("That took too long. Please try again.")
    return str(asked["user"])


def make(
    user_id: str, credential: dict[str, Any], name: str, place: Place, *, address: str = ""
) -> Passkey:
    """Keep a passkey that the browser made. Raises BadInput and Refused."""
    import webauthn  # noqa: PLC0415
    from webauthn.helpers.exceptions import WebAuthnException  # noqa: PLC0415

    challenge = _challenge(credential)
    asked = codes.by_token(challenge, MAKE)
    if asked is None or asked["user"] != user_id:
        raise Refused("That took too long. Please try again.")
    try:
        made = webauthn.verify_registration_response(
            credential=credential, expected_challenge=challenge.encode(),
            expected_rp_id=place.host, expected_origin=place.origin, require_user_verification=True,
        )  # fmt: skip
    except WebAuthnException as error:
        raise Refused("This passkey cannot be used here.") from error
    if len(of_user(user_id)) >= MOST:
        raise Refused("You have {most} passkeys already.", most=MOST)
    key_id = webauthn.helpers.bytes_to_base64url(made.credential_id)
    label = " ".join(name.split())[:LONGEST_NAME] or "Passkey"
    cell = vault.seal(
        label, table="people_passkey", column="name", row=key_id, subject=f"person:{user_id}"
    )
    at = now()
    with transaction():
        added = insert("people_passkey", {
            "id": key_id, "user_id": user_id, "public_key": made.credential_public_key,
            "signs": made.sign_count, "name": cell, "created": micros(at), "used": None,
        }, ignore=True)  # fmt: skip
        if not added:
            raise Refused("This passkey is known already.")
        audit.record("user.passkey_on", actor=user_id, subject=user_id, address=address)
    return Passkey(key_id, user_id, label, at, None)


def options_to_show(place: Place, user_id: str = "") -> dict[str, Any]:
    """Return what the browser is asked to sign; without a user it offers all it has for us."""
    import webauthn  # noqa: PLC0415
    from webauthn.helpers import structs  # noqa: PLC0415

    issued = codes.issue(SHOW, {"user": user_id})
    options = webauthn.generate_authentication_options(
        rp_id=place.host, challenge=issued.token.encode(),
        user_verification=structs.UserVerificationRequirement.REQUIRED,
        allow_credentials=[
            structs.PublicKeyCredentialDescriptor(id=webauthn.base64url_to_bytes(one.id))
            for one in (of_user(user_id) if user_id else [])
        ],
    )  # fmt: skip
    found: dict[str, Any] = json.loads(webauthn.options_to_json(options))
    return found


def show(credential: dict[str, Any], place: Place, *, user_id: str = "") -> str:
    """Return the user whose passkey was shown. Raises BadInput and Refused.

    A signature counter that does not grow tells of a copied key, which is refused (WebAuthn
    level 3, 6.1.1); keys that are synchronised between devices count nothing and stay at zero.
    """
    import webauthn  # noqa: PLC0415
    from webauthn.helpers.exceptions import WebAuthnException  # noqa: PLC0415

    challenge = _challenge(credential)
    asked = codes.by_token(challenge, SHOW)
    key_id = str(credential.get("id", ""))
    row = execute(
        "SELECT user_id, public_key, signs FROM people_passkey WHERE id = ?", [key_id]
    ).fetchone()
    if asked is None or row is None or asked["user"] != user_id or user_id not in ("", row[0]):
        raise Refused("This passkey is not known here.")
    try:
        shown = webauthn.verify_authentication_response(
            credential=credential, expected_challenge=challenge.encode(),
            expected_rp_id=place.host, expected_origin=place.origin,
            credential_public_key=bytes(row[1]), credential_current_sign_count=row[2],
            require_user_verification=True,
        )  # fmt: skip
    except WebAuthnException as error:
        raise Refused("This passkey is not known here.") from error
    with transaction():
        noted = execute(
            "UPDATE people_passkey SET signs = ?, used = ? WHERE id = ? AND signs = ?",
            [shown.new_sign_count, micros(now()), key_id, row[2]],
        )
        if noted.rowcount != 1:
            raise Refused("This passkey was used twice at the same time.")
    return str(row[0])


def remove(user: User, key_id: str, *, actor: str, address: str = "") -> bool:
    """Forget one of a user's passkeys."""
    with transaction():
        sql = "DELETE FROM people_passkey WHERE id = ? AND user_id = ?"
        if execute(sql, [key_id, user.id]).rowcount != 1:
            return False
        audit.record("user.passkey_off", actor=actor, subject=user.id, address=address)
    return True
