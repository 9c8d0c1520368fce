"""The bank's signature, computed here by hand."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime

import pytest
import time_machine

from core.errors import Forged
from plugins.playmoney.signature import api_key, sign, verify

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
BODY = '{"id": "evt_é"}'.encode()


def test_it_is_hmac_sha256_over_time_and_raw_body() -> None:
    """The form is `t=<seconds>,v1=<hex>`, over the seconds, a dot and the bytes as they are."""
    seconds = str(int(AT.timestamp())).encode()
    digest = hmac.new(b"secret", seconds + b"." + BODY, hashlib.sha256).hexdigest()

    assert sign(b"secret", BODY, AT) == f"t={seconds.decode()},v1={digest}"


@pytest.mark.parametrize(("seconds", "taken"), [(0, True), (300, True), (301, False)])
@pytest.mark.parametrize("way", [-1, 1])
def test_it_is_good_for_five_minutes_both_ways(seconds: int, taken: bool, way: int) -> None:
    """Neither an old message nor one from the future is taken."""
    header = sign(b"secret", BODY, AT)
    with time_machine.travel(AT.timestamp() + way * seconds, tick=False):
        if taken:
            verify(b"secret", header, BODY)
        else:
            with pytest.raises(Forged):
                verify(b"secret", header, BODY)


def test_time_is_signed_too() -> None:
    """A new time with the old digest is forged."""
    header = sign(b"secret", BODY, AT).replace("t=1", "t=2", 1)
    with time_machine.travel(AT, tick=False), pytest.raises(Forged):
        verify(b"secret", header, BODY)


def test_another_secret_and_no_secret_are_refused() -> None:
    """A site without a secret believes nobody, not even who signs with none."""
    with time_machine.travel(AT, tick=False):
        for ours, theirs in ((b"secret", b"other"), (b"", b""), (b"", b"secret")):
            with pytest.raises(Forged):
                verify(ours, sign(theirs, BODY, AT), BODY)


def test_the_key_of_the_api_cannot_sign() -> None:
    """What a site shows to the bank is not what the bank signs with."""
    assert api_key(b"secret") not in ("secret", b"secret".hex())
    with time_machine.travel(AT, tick=False), pytest.raises(Forged):
        verify(b"secret", sign(api_key(b"secret").encode(), BODY, AT), BODY)
