"""The key-encryption key in several hands: Shamir's secret sharing over GF(256).

A. Shamir, How to share a secret, 1979. Each byte is a polynomial of its own; the field is that of
AES (FIPS 197, 4): polynomials over GF(2) modulo x^8 + x^4 + x^3 + x + 1.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from core.config import KEK_BYTES, kek_fingerprint
from core.errors import OboloError

MODULUS = 0x11B
MOST_SHARES = 255
CHECK_DIGITS = 8
FORM = re.compile(r"obolo-([0-9a-f]{16})-([0-9a-f]{8})-([0-9]{1,3})of([0-9]{1,3})-([0-9a-f]{64})-"
                  r"([0-9a-f]{8})")  # fmt: skip


class WrongShares(OboloError):
    """These shares do not make a key; the message says which one or what is missing."""


@dataclass(frozen=True, slots=True)
class _Share:
    fingerprint: str
    split: str
    number: int
    threshold: int
    body: bytes


def split(kek: bytes, shares: int, threshold: int) -> list[str]:
    """Return as many shares; any `threshold` of them make the key, fewer tell nothing.

    A share names the key's fingerprint, the split, its number and the threshold, and ends in a
    checksum against slips of the pen. Raises WrongShares.
    """
    if not 2 <= threshold <= shares <= MOST_SHARES:
        raise WrongShares("Write at least 2 for the threshold, and no more than the shares.")
    polynomials = [bytes([byte]) + secrets.token_bytes(threshold - 1) for byte in kek]
    mark = secrets.token_hex(4)
    lines = []
    for number in range(1, shares + 1):
        body = bytes(_at(polynomial, number) for polynomial in polynomials)
        text = f"obolo-{kek_fingerprint(kek)}-{mark}-{number}of{threshold}-{body.hex()}"
        lines.append(f"{text}-{_check(text)}")
    return lines


def join(texts: Iterable[str]) -> bytes:
    """Return the key that these shares make. Raises WrongShares."""
    found = {share.number: share for share in map(_read, texts)}
    if not found:
        raise WrongShares("There is no share.")
    first = next(iter(found.values()))
    for share in found.values():
        if (share.fingerprint, share.split) != (first.fingerprint, first.split):
            raise WrongShares(f"Share {share.number} is from another key or another split.")
    if len(found) < first.threshold:
        raise WrongShares(f"There are {len(found)} different shares; {first.threshold} are needed.")
    used = list(found.values())[: first.threshold]
    kek = bytes(_constant([(share.number, share.body[i]) for share in used])
                for i in range(KEK_BYTES))  # fmt: skip
    if kek_fingerprint(kek) != first.fingerprint:
        raise WrongShares("These shares make another key than they say; one of them is wrong.")
    return kek


def _read(text: str) -> _Share:
    text = "".join(text.split()).lower()
    match = FORM.fullmatch(text)
    if match is None or _check(text.rpartition("-")[0]) != match[6]:
        raise WrongShares(f"This share has a slip of the pen: {text[:32]}...")
    return _Share(match[1], match[2], int(match[3]), int(match[4]), bytes.fromhex(match[5]))


def _check(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:CHECK_DIGITS]


def _at(polynomial: bytes, x: int) -> int:
    """Return a polynomial's value, by Horner's rule; its constant stands first."""
    value = 0
    for coefficient in reversed(polynomial):
        value = _times(value, x) ^ coefficient
    return value


def _constant(points: list[tuple[int, int]]) -> int:
    """Return the value at 0 of the polynomial through these points, by Lagrange's formula."""
    value = 0
    for x, y in points:
        weight = 1
        for other, _ in points:
            if other != x:
                weight = _times(weight, _times(other, _inverse(other ^ x)))
        value ^= _times(y, weight)
    return value


def _times(a: int, b: int) -> int:
    product = 0
    while b:
        if b & 1:
            product ^= a
        a <<= 1
        if a & 0x100:
            a ^= MODULUS
        b >>= 1
    return product


def _inverse(a: int) -> int:
    """Return a^254, which is 1/a: the group has 255 elements."""
    result = 1
    for _ in range(254):
        result = _times(result, a)
    return result
