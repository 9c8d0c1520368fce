"""What happened to an order, in the order in which it did, gathered from where it is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core import audit, mail
from core.ledger import TEST, Leg
from core.money import Money
from core.orders import Order
from core.payments import Payment, records
from core.storage import execute, instant


@dataclass(frozen=True, slots=True)
class Happened:
    """One thing that happened. `kind` says what; whoever shows it has the words for it."""

    at: datetime
    kind: str
    amount: Money | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the books with its legs; accounts of test money are named like the others."""

    key: str
    at: datetime
    reason: str
    legs: tuple[Leg, ...]

    @property
    def amount(self) -> Money:
        """What it moved: the sum of its debits in its first currency."""
        currency = self.legs[0].amount.currency
        debits = (leg.amount for leg in self.legs if leg.amount.minor > 0)
        return Money.total((one for one in debits if one.currency == currency), currency)


def entries_of(order: str) -> list[Entry]:
    """Return what was booked for an order, oldest first."""
    rows = execute(
        "SELECT e.id, e.key, e.at, e.reason, l.account, l.currency, l.minor FROM ledger_entry e "
        "JOIN ledger_leg l ON l.entry_id = e.id WHERE e.order_id = ? ORDER BY e.id, l.number",
        [order],
    ).fetchall()
    legs: dict[str, list[Leg]] = {}
    for id, _, _, _, account, currency, minor in rows:
        legs.setdefault(id, []).append(Leg(account.removeprefix(TEST), Money(minor, currency)))
    heads = {id: (key, instant(at), reason) for id, key, at, reason, *_ in rows}
    return [Entry(*heads[id], tuple(own)) for id, own in legs.items()]


def of_order(order: Order) -> list[Happened]:
    """Return all that is known to have happened to an order, oldest first."""
    payments = records.of_order(order.id)
    found = [
        *_begun(order, payments),
        *(
            Happened(one.at, one.reason, one.amount, {"key": one.key})
            for one in entries_of(order.id)
        ),
        *_opened(order.id),
        *_told(order.id),
        *_written(order.id),
        *_noted(order, payments),
    ]
    return sorted(found, key=lambda one: one.at)


def _begun(order: Order, payments: list[Payment]) -> Iterator[Happened]:
    assert order.created
    yield Happened(order.created, "ordered", order.total)
    for payment in payments:
        yield Happened(payment.created, "begun", payment.amount, {"provider": payment.provider})


def _opened(order: str) -> Iterator[Happened]:
    sql = "SELECT starts, key FROM entitlements_entitlement WHERE order_id = ? ORDER BY line, key"
    for starts, key in execute(sql, [order]).fetchall():
        yield Happened(instant(starts), "opened", data={"key": key})


def _told(order: str) -> Iterator[Happened]:
    sql = (
        "SELECT told, plugin, hook FROM notices_notice WHERE told IS NOT NULL AND data LIKE ? "
        "ORDER BY id"
    )
    for told, plugin, hook in execute(sql, [f'%"order":"{order}"%']).fetchall():
        yield Happened(instant(told), "told", data={"plugin": plugin, "hook": hook})


def _written(order: str) -> Iterator[Happened]:
    """Yield the messages about an order, by subject and state; what they say stays sealed."""
    for one in mail.told_of(order):
        kind = "mail sent" if one.sent else "mail waits" if one.next_try else "mail given up"
        yield Happened(one.sent or one.created, kind, data={"subject": one.subject})


def _noted(order: Order, payments: list[Payment]) -> Iterator[Happened]:
    """Yield what the audit log has: who asked for a refund, and what was wrong."""
    for subject in (order.id, *(payment.id for payment in payments)):
        for event in audit.events(subject=subject):
            yield Happened(event.at, event.action, data={**event.data, "actor": event.actor})
