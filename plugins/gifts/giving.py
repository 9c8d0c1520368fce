"""What a gift costs, and the way of its money back when nobody opened it."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from core import (
    Conflict,
    Grant,
    Health,
    Line,
    Money,
    NotFound,
    OboloError,
    Order,
    Reader,
    Refused,
    card_of,
    decide,
    gettext,
    given_to,
    now,
    order_of,
    refund,
    transaction,
)
from plugins.gifts import records
from plugins.gifts.records import GIFT, NUMBER, PREFIX, TAKEN, Gift

log = logging.getLogger("obolo.plugins.gifts")
NUMBERS = re.compile(r"gft_[0-9a-z]{20,40}")
WITHDRAWN, EXPIRED = "gift taken back by who gave it", "gift that nobody opened in time"
MOST, LONGEST = 500, 200


def sold(resource: str, reader: Reader) -> Line | None:
    """Return the line that sells a resource for ever to somebody who holds nothing yet."""
    if not resource.isprintable() or len(resource) > LONGEST:
        return None
    nobody = Reader(language=reader.language, country=reader.country)
    offers = decide(resource, nobody).offers
    lines = [offer.lines[0] for offer in offers if len(offer.lines) == 1]
    return next(
        (one for one in lines if one.amount.minor > 0 and one.grants == (Grant(resource),)), None
    )


def is_kept(resource: str, reader: Reader) -> bool:
    """Tell whether a reader has a resource for ever: a gift of it is then for somebody else."""
    held = (one for one in given_to(reader.holders) if one.key == resource)
    is_bought = any(one.until is None and one.state == "active" for one in held)
    return is_bought or bool(records.keys_of(resource, reader.holders))


def line_for(resource: str, number: str, reader: Reader) -> Line:
    """Return the line that pays for a gift: the same price, and a key for somebody else.

    Its data name the resource, so that what changes a price knows what is sold. Raises NotFound.
    """
    line = sold(resource, reader)
    if line is None:
        raise NotFound("This is no longer offered.")
    return replace(
        line, label=gettext("Gift: %(title)s", title=line.label), grants=(Grant(PREFIX + number),),
        data={**line.data, GIFT: resource, NUMBER: number},
    )  # fmt: skip


def line_to_take(gift: Gift) -> Line:
    """Return the line of nothing that gives a gift's key to who opens its link."""
    paid = _line(order_of(gift.order), gift)
    card = card_of(gift.resource)
    return Line(
        card.title if card else paid.label, Money(0, paid.amount.currency), paid.account,
        (Grant(PREFIX + gift.id),), data={TAKEN: gift.id},
    )  # fmt: skip


def _line(order: Order, gift: Gift) -> Line:
    return next(one for one in order.lines if one.number == gift.line)


def give_back(gift: Gift, *, actor: str, reason: str) -> None:
    """Close a gift for good, and send its money back the way it was paid.

    Closed first, so that nobody opens what is being given back. Raises Conflict when somebody was
    faster, and Refused when the money cannot go back by itself; then it stays closed, the task
    tries again, and the owner is told.
    """
    if gift.closed is None:
        if gift.standing != "active":
            raise Conflict("This gift can no longer be given.")
        with transaction():
            records.close(gift.id)
    order = order_of(gift.order)
    if not order.payment:
        return
    amount = sum(line.amount.minor for line in order.group(gift.line))
    number = f"ref_{gift.id.partition('_')[2]}"
    asked = refund(order.id, {gift.line: amount}, actor=actor, reason=reason, refund_id=number)
    if asked.state == "failed":
        raise Refused("The money could not be given back by itself. The site was told.")


def expire_due() -> int:
    """Give back what nobody opened in time; return how many."""
    done = 0
    for gift in records.due(now(), MOST):
        try:
            give_back(gift, actor="gifts", reason=EXPIRED)
        except OboloError as error:
            log.warning("the money of gift %s stays: %s", gift.id, error)
        else:
            done += 1
    return done


def health() -> Iterator[Health]:
    """Count what was to be given back a day ago and is not."""
    since = now() - timedelta(days=1)
    stuck = [
        gift
        for gift in records.due(now(), MOST)
        if gift.closed and gift.closed < since and order_of(gift.order).payment
    ]
    if stuck:
        yield Health(
            "The money of {count} gifts could not be given back by itself. Give it back from the "
            "order {order}.", ok=False, values={"count": len(stuck), "order": stuck[0].order},
            address=f"/admin/orders/{stuck[0].order}",
        )  # fmt: skip
