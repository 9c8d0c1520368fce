"""What is done when little of a balance is left, a minute after it: a word, or a top-up.

The order is stored before its charge, and the charge is asked for outside of any transaction, by
the key that core gives it. So a process may die anywhere here, and nobody is charged twice. A
decline, a bank that wants the reader and whatever else stops it switch it off, with a message.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from flask_babel import force_locale

from core import (
    Conflict,
    Money,
    NotFound,
    OboloError,
    Order,
    Reader,
    State,
    address_of,
    charge_saved,
    gettext,
    lock_name,
    order_of,
    reader_of,
    send_mail,
    site_currency,
    site_mode,
    start_order,
    top_up_line,
    transaction,
    value,
)
from plugins.wallet import wishes
from plugins.wallet.caps import room
from plugins.wallet.statement import balance_of
from plugins.wallet.wishes import Wish

log = logging.getLogger("obolo.plugins.wallet")


def look_at_low() -> int:
    """Tell, and fill up, whose balance is low now; return for how many something was done."""
    return sum(_look(wish) for wish in wishes.due())


def _look(wish: Wish) -> bool:
    try:
        reader = reader_of(wish.holder)
    except NotFound:
        wishes.erase(wish.holder)
        return False
    with force_locale(reader.language):
        if wish.order:
            return _go_on(wish)
        if balance_of(reader).minor >= wish.below:
            return wishes.mark_told(wish.holder, told=False)
        return _fill_up(wish, reader) if wish.adds else _tell(wish, reader)


def _tell(wish: Wish, reader: Reader) -> bool:
    left = balance_of(reader).format(reader.language)
    subject = gettext(
        "%(left)s are left of your balance with %(site)s", left=left, site=value("site.name")
    )
    body = gettext("Add to it, or change when we write to you: %(page)s", page=wish.page)
    with transaction():
        if not wishes.mark_told(wish.holder, told=True):
            return False
        _send(wish, subject, body)
    return True


def _fill_up(wish: Wish, reader: Reader) -> bool:
    """Store the order of a top-up, unless a cap says not now; then charge it."""
    if address_of(wish.holder) is None:
        return switch_off(wish, _impossible)  # no charge without a receipt
    try:
        with transaction():
            lock_name(f"wallet:{wish.holder}")
            if wishes.find(wish.holder) != wish or balance_of(reader).minor >= wish.below:
                return False  # another process, or the reader, was here first
            if room(reader, site_currency()).minor < wish.adds:
                return False
            line = top_up_line(str(wish.adds), reader, site_currency())
            order = start_order(reader, (line,), return_to="/x/wallet/", mode=site_mode())
            wishes.begin(wish, order.id)
    except OboloError as error:
        return _stop(wish, error)
    begun = wishes.find(wish.holder)
    return begun is not None and _go_on(begun)


def _go_on(wish: Wish) -> bool:
    """See what became of an order, and charge it where nobody has."""
    order = order_of(wish.order)
    if not wish.adds and not wish.asked:
        wishes.end(wish)  # the reader stopped it in time
    elif order.state == "paid":
        return _end(wish, order)
    elif order.state == "closed":
        return switch_off(wish, _declined)
    elif wish.adds and wishes.claim(wish):
        return _charge(wish)
    return False


def _end(wish: Wish, order: Order) -> bool:
    if order.mode != site_mode():  # play money never fills a balance of real money
        return switch_off(wish, _impossible)
    wishes.end(wish)
    return True


def _charge(wish: Wish) -> bool:
    try:
        payment = charge_saved(wish.order, wish.method)
    except Conflict as error:
        log.info("order %s is not charged now: %s", wish.order, error)
        return False
    except OboloError as error:
        return _stop(wish, error)
    state = payment.facts.state
    if state is State.FAILED:
        return switch_off(wish, _declined)
    if state is State.CUSTOMER:
        return switch_off(wish, _to_confirm)
    order = order_of(wish.order)
    return order.state == "paid" and _end(wish, order)


def _stop(wish: Wish, error: OboloError) -> bool:
    log.warning("the balance of %s is not filled up any more: %s", wish.holder, error)
    return switch_off(wish, _impossible)


def payment_failed(order: str) -> None:
    """Switch off what an order filled up for, once its payment failed."""
    found = wishes.of_order(order)
    if found is not None:
        switch_off(found, _declined)


def switch_off(wish: Wish, why: Callable[[str], str]) -> bool:
    """Switch a wish off and write why, once; one that its reader stopped only ends."""
    if not wish.adds:
        wishes.end(wish)
        return False
    found = address_of(wish.holder)
    with transaction(), force_locale(found[1] if found else "en"):
        if not wishes.switch_off(wish):
            return False
        amount = Money(wish.adds, site_currency()).format(found[1] if found else "en")
        subject = gettext("%(site)s adds nothing to your balance any more", site=value("site.name"))
        more = gettext("It is not filled up by itself any more. See %(page)s", page=wish.page)
        _send(wish, subject, f"{why(amount)}\n\n{more}")
    return True


def _declined(amount: str) -> str:
    return str(gettext("The payment of %(amount)s was declined.", amount=amount))


def _to_confirm(amount: str) -> str:
    return str(
        gettext("Your bank wants you to confirm %(amount)s; see our other message.", amount=amount)
    )


def _impossible(amount: str) -> str:
    return str(gettext("%(amount)s could not be charged by the way that you kept.", amount=amount))


def _send(wish: Wish, subject: str, body: str) -> None:
    """Write to a reader, in the caller's transaction; who has no address is written nothing."""
    found = address_of(wish.holder)
    if found is not None:
        send_mail(found[0], subject, body, found[1], holder=wish.holder)
