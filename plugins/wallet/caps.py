"""How much a reader may pay in: the owner's caps, each a setting with its reason beside it."""

from __future__ import annotations

from core import (
    Money,
    Order,
    Question,
    Reader,
    Refusal,
    address_of,
    gettext,
    keep_contact,
    value,
)
from plugins.wallet.statement import FAMILY, balance_of, paid_in_today

WAY_BACK = "wallet.way_back"


def room(reader: Reader, currency: str) -> Money:
    """Return how much more a reader may pay in now: by one payment, today, and in all."""
    held, today = balance_of(reader, currency).minor, paid_in_today(reader, currency)
    most = min(
        value("wallet.top_up_most"),
        value("wallet.balance_cap") - held,
        value("wallet.daily_cap") - today,
    )
    return Money(max(0, most), currency)


def paid_in_by(order: Order) -> Money:
    """Return how much of an order goes into a balance."""
    own = FAMILY + order.holder
    return Money.total((one.amount for one in order.lines if one.account == own), order.currency)


def refusal_of(order: Order, reader: Reader) -> Refusal | None:
    """Say why an order may not pay in so much; and that nobody pays into another's balance."""
    if any(
        line.account.startswith(FAMILY) and line.account != FAMILY + order.holder
        for line in order.lines
    ):
        return Refusal(gettext("A balance cannot be passed on."))
    amount = paid_in_by(order)
    if amount.minor <= 0 or amount.minor <= (most := room(reader, order.currency)).minor:
        return None  # what pays nothing in, such as an unlock, does not read what moved
    return Refusal(gettext("You can add up to %(most)s now.", most=most.format(reader.language)))


def needs_way_back(order: Order) -> bool:
    """Tell whether a guest pays in more than may be lost with a browser's cookies."""
    is_large = paid_in_by(order).minor > value("wallet.guest_most")
    return is_large and order.holder.startswith("gst_") and address_of(order.holder) is None


def question(order: Order) -> Question:
    """Ask for the address by which a guest's balance is found again."""
    most = Money(value("wallet.guest_most"), order.currency).format(order.language)
    text = gettext(
        "Your e-mail address, as your way back. Without one up to %(most)s can be added.", most=most
    )
    return Question(WAY_BACK, "text", text)


def keep_way_back(order: Order) -> None:
    """Keep the address that a guest gave for it, in the order's transaction. Raises BadInput."""
    if WAY_BACK in order.answers:
        keep_contact(order.holder, order.answers[WAY_BACK][1].strip(), order.language)
