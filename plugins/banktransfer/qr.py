"""The QR code from which banking apps fill in a transfer: EPC069-12, version 2.1."""

from __future__ import annotations

from markupsafe import Markup
from segno import helpers

from core import Money
from plugins.banktransfer.accounts import Account

CURRENCY = "EUR"
MOST_MINOR = 99_999_999_999
"""0.01 to 999,999,999.99 euro; name at most 70 characters, which the setting keeps to."""


def picture(account: Account, amount: Money, reference: str) -> Markup:
    """Return the code as an SVG element, dark on light whatever the page's colours are.

    The reference stands where a payer's words stand: not every bank shows the field for structured
    ones. Raises ValueError for what the standard does not allow.
    """
    assert amount.currency == CURRENCY, amount
    code = helpers.make_epc_qr(
        name=account.holder, iban=account.iban, amount=amount.decimal, text=reference,
        bic=account.bic or None, encoding="utf-8",
    )  # fmt: skip
    return Markup(code.svg_inline(border=4, light="#fff", omitsize=True, svgclass=None))  # noqa: S704 - squares
