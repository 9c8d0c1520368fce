"""Signatures are those of Standard Webhooks 1.0.0."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime

from core.outgoing.signing import PREFIX, new_secret, signed_headers

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID, AT, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
"""The example of the specification's reference libraries (standard-webhooks, test vectors)."""


def headers(*secrets):
    return signed_headers(ID, datetime.fromtimestamp(AT, UTC), BODY, secrets)


def test_the_example_of_the_specification_is_signed_alike():
    """Same secret, id, time and body: the same signature."""
    assert headers(SECRET) == {
        "webhook-id": ID, "webhook-timestamp": str(AT), "webhook-signature": SIGNATURE,
    }  # fmt: skip


def test_while_a_secret_is_renewed_both_sign():
    """The receiver accepts whichever it knows."""
    other = new_secret()
    first, second = headers(other, SECRET)["webhook-signature"].split(" ")

    assert second == SIGNATURE
    content = f"{ID}.{AT}.".encode() + BODY
    key = base64.b64decode(other.removeprefix(PREFIX))
    assert len(key) == 32
    wanted = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    assert first == f"v1,{wanted}"


def test_secrets_are_new_each_time():
    """And begin as a scanner expects."""
    made = {new_secret() for _ in range(20)}

    assert len(made) == 20
    assert all(one.startswith("whsec_") for one in made)
