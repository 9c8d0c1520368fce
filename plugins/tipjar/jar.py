"""What the jar offers, and how it is drawn."""

from __future__ import annotations

from collections.abc import Mapping

from flask import render_template, request
from markupsafe import Markup

from core import BadInput, Money, current_reader, site_currency, value

LABEL = {"en": "Tip jar", "it": "Barattolo delle mance"}
AMOUNT = {
    "en": "Only one amount, in cents (empty: all of them)",
    "it": "Un solo importo, in centesimi (vuoto: tutti)",
}


def check_amount(text: str) -> int:
    """Read the amount of a directive, in cents. Raises BadInput."""
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= 10**6):
        raise BadInput("An amount here is a number of cents, such as 200.")
    return int(text)


def amounts() -> list[Money]:
    """Return the amounts to choose from, as the owner set them."""
    currency = site_currency()
    return [
        Money(int(word), currency) for word in value("tipjar.amounts").split() if word.isdigit()
    ]


def bounds() -> tuple[Money, Money]:
    """Return the least and the most that a reader may choose."""
    currency = site_currency()
    return Money(value("tipjar.least"), currency), Money(value("tipjar.most"), currency)


def draw(arguments: Mapping[str, str], back: str = "") -> Markup:
    """Draw the form; `amount`, in cents, offers only that one. The thanks lead `back`, or here."""
    wanted = arguments.get("amount", "")
    offered = [Money(int(wanted), site_currency())] if wanted.isdigit() else amounts()
    least, most = bounds()
    return Markup(  # noqa: S704 - a template, which escapes
        render_template(
            "tipjar/jar.html",
            offered=offered,
            least=least,
            most=most,
            back=back or request.path,
        )
    )


def chosen(form: Mapping[str, str]) -> Money:
    """Read the amount of a form: a button's, or the reader's own. Raises BadInput."""
    currency, (least, most) = site_currency(), bounds()
    if minor := form.get("minor", ""):
        if not (minor.isascii() and minor.isdigit() and len(minor) <= 9):
            raise BadInput("Please choose one of the amounts.")
        amount = Money(int(minor), currency)
    else:
        amount = Money.parse(form.get("own", ""), currency, current_reader().language)
    if not least.minor <= amount.minor <= most.minor:
        language = current_reader().language
        raise BadInput(
            "A tip can be from {least} to {most}.",
            least=least.format(language), most=most.format(language),
        )  # fmt: skip
    return amount
