"""How the bank signs what it sends, and how a site checks it: HMAC-SHA256 over time and body."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import datetime

from core import Forged, now

HEADER = "Playmoney-Signature"
TOLERANCE_SECONDS = 300
"""How far a message's time may lie from ours, before or after it."""
FORM = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})")


def sign(secret: bytes, body: bytes, at: datetime) -> str:
    """Return the header's value for a body sent at this instant."""
    seconds = int(at.timestamp())
    return f"t={seconds},v1={_digest(secret, seconds, body)}"


def verify(secret: bytes, header: str, body: bytes) -> None:
    """Raise Forged unless this body was signed with the secret, within five minutes of now."""
    parts = FORM.fullmatch(header)
    if not secret or parts is None:
        raise Forged("This message carries no signature of the bank.")
    seconds = int(parts[1])
    if not hmac.compare_digest(parts[2], _digest(secret, seconds, body)):
        raise Forged("This message was not signed by the bank.")
    if abs(now().timestamp() - seconds) > TOLERANCE_SECONDS:
        raise Forged("This message was signed at another time.")


def api_key(secret: bytes) -> str:
    """Return what a site shows to a bank that is a process of its own; it cannot sign with it."""
    return hmac.new(secret, b"playmoney api", hashlib.sha256).hexdigest()


def _digest(secret: bytes, seconds: int, body: bytes) -> str:
    return hmac.new(secret, f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
