"""What a reader is told: the lines of the instructions, as a page and a message show them."""

from __future__ import annotations

from dataclasses import dataclass

from core import gettext
from plugins.banktransfer.accounts import Account, grouped
from plugins.banktransfer.records import Transfer


@dataclass(frozen=True, slots=True)
class Detail:
    """One thing to copy into the bank's form: its name, as it is shown, as it is copied."""

    name: str
    shown: str
    copied: str


def details(kept: Transfer, account: Account) -> list[Detail]:
    """Return what stands in a transfer, in the order in which banks ask for it."""
    amount = kept.amount.format(kept.language or "en")
    found = [
        Detail(gettext("To"), account.holder, account.holder),
        Detail(gettext("IBAN"), grouped(account.iban), account.iban),
        Detail(gettext("BIC"), account.bic, account.bic),
        Detail(gettext("Amount"), amount, str(kept.amount.decimal)),
        Detail(gettext("Reference"), grouped(kept.reference), kept.reference),
    ]
    return [one for one in found if one.shown]


def instructions(kept: Transfer, account: Account) -> tuple[str, ...]:
    """Return the instructions as lines of text."""
    hint = gettext("Write the reference as it stands here: by it we know that the money is yours.")
    return (*(f"{one.name}: {one.shown}" for one in details(kept, account)), hint)
