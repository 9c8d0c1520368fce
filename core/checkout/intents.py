"""What a provider is asked to collect: the payment as it is stored first, and the intent."""

from __future__ import annotations

from core.checkout.ordering import refuse_debtors
from core.errors import Refused
from core.orders import Order
from core.payments import Intent, Payment, Provider
from core.people import Reader
from core.storage import new_id


def new_payment(
    order: Order, provider: Provider, reader: Reader, *, save: bool = False, method: str = "",
    back: str = "", inline: bool = False,
) -> Payment:  # fmt: skip
    """Return a payment that is stored nowhere yet.

    Raises Conflict for debtors' own accounts, and Refused where it cannot be paid inline.
    """
    needs_a_page = order.is_held or order.offers_to_save or "inline" not in provider.can
    if inline and needs_a_page:
        raise Refused("This way of paying leads to a page of its own.")
    if provider.till(order.holder, order.currency).endswith(f":{order.holder}"):
        refuse_debtors(reader)
    return Payment(
        new_id("pay"), order.id, provider.name, provider.mode, order.total,
        hold="held" if order.is_held else "", save=save, method=method, back=back,
        inline=inline,
    )  # fmt: skip


def intent(order: Order, payment: Payment) -> Intent:
    """Return what the provider of a payment is asked; the same payment asks the same."""
    return Intent(
        payment.id, order.id, order.holder, payment.amount, order.lines[0].label, payment.back,
        order.language, hold=payment.hold != "", save=payment.save, inline=payment.inline,
    )  # fmt: skip
