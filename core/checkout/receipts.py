"""Receipts by mail: to a user's address, or to the one that a guest gave for it.

The confirmation on a durable medium that Directive 2011/83/EU, article 8(7), asks for.
"""

from __future__ import annotations

import logging

from flask import has_request_context, url_for
from flask_babel import force_locale, format_date, gettext

from core import mail, orders
from core.errors import OboloError
from core.orders import Order
from core.payments import Instructions, Payment, Step
from core.people import contacts, users
from core.settings import value
from core.storage import transaction

log = logging.getLogger("obolo.checkout")


def send(order: Order) -> None:
    """Send the receipt of an order that was just paid, in the caller's transaction.

    Money that came in is a fact: a receipt that cannot be written stops no sale.
    """
    try:
        _send(order)
    except OboloError:
        log.exception("order %s is paid and has no receipt", order.id)


def _send(order: Order) -> None:
    found = recipient(order.holder)
    if found is None:
        return
    email, language = found
    site = value("site.name")
    with force_locale(language):
        lines = "\n".join(f"{line.label}: {line.amount.format(language)}" for line in order.lines)
        total = order.total.format(language)
        subject = gettext("Receipt from %(site)s: %(total)s", site=site, total=total)
        if order.mode == "test":
            subject = gettext("Test: %(subject)s", subject=subject)
        parts = [
            gettext(
                "%(day)s\n\n%(lines)s\n\nTotal, taxes included: %(total)s\nOrder: %(order)s",
                day=format_date(order.created, "long"), lines=lines, total=total, order=order.id,
            ),
            gettext("Paid with play money: no real money moved.") if order.mode == "test" else "",
            _way_back(),
        ]  # fmt: skip
    body = "\n\n".join(filter(None, parts))
    mail.send(email, subject, body, language, holder=order.holder, about=order.id)


def instruct(order: Order, payment: Payment, step: Step) -> None:
    """Keep the order open for a payment that takes days, and send how it is made, once.

    Does nothing for other steps. `payment` is as it was before its provider answered.
    """
    if isinstance(step, Instructions):
        with transaction():
            _instruct(order, payment, step)


def _instruct(order: Order, payment: Payment, step: Instructions) -> None:
    if step.until:
        orders.keep_open(order, step.until)
    found = recipient(order.holder)
    if found is None or payment.ref:
        return
    email, language = found
    with force_locale(language):
        total = order.total.format(language)
        subject = gettext("How to pay %(total)s to %(site)s", total=total, site=value("site.name"))
        body = "\n".join((f"{order.lines[0].label}", "", *step.lines))
    try:
        mail.send(email, subject, body, language, holder=order.holder, about=order.id)
    except OboloError:
        log.exception("order %s waits for its payment, and nobody was told how", order.id)


def _way_back() -> str:
    """Say how to open it on another device; the address is known while a page is asked for."""
    words: str = gettext("On another device sign in there with this e-mail address.")
    return f"{words} {url_for('doors.sign_in', _external=True)}" if has_request_context() else words


def recipient(holder: str) -> tuple[str, str] | None:
    """Return where a holder's receipts go, and in which language; None when nowhere."""
    if not holder.startswith(f"{users.PREFIX}_"):
        return contacts.of_holder(holder)
    user = users.find(holder)
    return (user.email, user.language) if user.email and user.receipts else None


def send_to(holder: str, email: str, language: str) -> None:
    """Note where a guest's receipts go, which is also their way back in. Raises BadInput."""
    contacts.keep(holder, users.clean_email(email), language)
