"""Who sent a message: HMAC-SHA256 over time and body, by one of the secrets, within five minutes.

Stripe's package takes messages from the future and breaks on some bytes, so it is not asked.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable

from core import Forged, now

HEADER = "Stripe-Signature"
TOLERANCE_SECONDS = 300
"""How far a message's time may lie from ours, before or after it."""
FORM = re.compile(r"t=([0-9]{1,12})((?:,v[01]=[0-9a-f]{64}){1,10})")
SIGNED = re.compile(r",v1=([0-9a-f]{64})")


def verify(secrets: Iterable[str], header: str, body: bytes) -> None:
    """Raise Forged unless this body was signed with one of the secrets, and now.

    Two secrets are good while the owner exchanges one for the next.
    """
    parts = FORM.fullmatch(header)
    if parts is None:
        raise Forged("This message carries no signature of Stripe.")
    given = SIGNED.findall(parts[2])
    own = [digest(secret, parts[1], body) for secret in secrets if secret]
    if not any(hmac.compare_digest(one, other) for one in own for other in given):
        raise Forged("This message was not signed by Stripe.")
    if abs(now().timestamp() - int(parts[1])) > TOLERANCE_SECONDS:
        raise Forged("This message was signed at another time.")


def digest(secret: str, seconds: str, body: bytes) -> str:
    """Return the signature of a body sent at a second of the Unix clock."""
    signed = seconds.encode() + b"." + body
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
