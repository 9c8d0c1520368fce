"""The site's bank account, and numbers that carry their own check."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

from core import value

IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", re.ASCII)
BIC = re.compile(r"[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?", re.ASCII)
LENGTHS = {
    "AD": 24, "AT": 20, "BE": 16, "BG": 22, "CH": 21, "CY": 28, "CZ": 24, "DE": 22, "DK": 18,
    "EE": 20, "ES": 24, "FI": 18, "FR": 27, "GB": 22, "GR": 27, "HR": 21, "HU": 28, "IE": 22,
    "IS": 26, "IT": 27, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "MC": 27, "MT": 31, "NL": 18,
    "NO": 15, "PL": 28, "PT": 25, "RO": 24, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "VA": 22,
}  # fmt: skip
"""Characters of an IBAN by country: the single euro payments area, SWIFT's IBAN registry."""
SIGNS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
"""What a reference is drawn from: no I and O, and no digits. So the check finds each wrong sign."""
DRAWN = 8
REFERENCE = re.compile(rf"RF[0-9]{{2}}[{SIGNS}]{{{DRAWN}}}", re.ASCII)


def compact(text: str) -> str:
    """Return a number without the blanks that people write, in capitals."""
    return "".join(text.split()).upper()


def grouped(text: str) -> str:
    """Write a number in groups of four, as banks print it."""
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def _rest(text: str) -> int:
    """Return the remainder that makes a number right or wrong (ISO 7064, MOD 97-10)."""
    return int("".join(str(int(sign, 36)) for sign in text[4:] + text[:4])) % 97


def is_iban(text: str) -> bool:
    """Tell whether this is an IBAN of the euro area: its form, its length, its check digits."""
    return bool(IBAN.fullmatch(text)) and len(text) == LENGTHS.get(text[:2]) and _rest(text) == 1


def is_bic(text: str) -> bool:
    """Tell whether this has the form of a BIC."""
    return bool(BIC.fullmatch(text))


def new_reference() -> str:
    """Draw a creditor reference with its check digits (ISO 11649): a slip of the finger shows."""
    drawn = "".join(secrets.choice(SIGNS) for _ in range(DRAWN))
    return f"RF{98 - _rest('RF00' + drawn):02d}{drawn}"


def references_in(text: str) -> list[str]:
    """Return the right references in what a payer wrote, however it was spaced."""
    plain = re.sub(r"[^A-Z0-9]", "", text.upper())
    starts = (one.start() for one in re.finditer(r"(?=RF[0-9]{2})", plain))
    found = (REFERENCE.match(plain, at) for at in starts)
    return list(dict.fromkeys(one[0] for one in found if one and _rest(one[0]) == 1))


@dataclass(frozen=True, slots=True)
class Account:
    """Where readers pay to; `least` is in minor units."""

    holder: str
    iban: str
    bic: str
    least: int
    days: int


def account() -> Account | None:
    """Return the account as the owner has set it; None while it is not complete and right."""
    iban, bic = compact(value("banktransfer.iban")), compact(value("banktransfer.bic"))
    holder = value("banktransfer.holder").strip()
    if not holder or not is_iban(iban) or (bic and not is_bic(bic)):
        return None
    return Account(holder, iban, bic, value("banktransfer.least"), value("banktransfer.days"))
