"""What is kept of payments, their movements and the refunds that were asked for."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from core.clock import now
from core.errors import NotFound
from core.money import Money
from core.payments.facts import Facts, Kind, Movement, State, Status
from core.payments.provider import Payment
from core.payments.steps import Hint
from core.storage import execute, insert, instant, micros, to_json


def store(payment: Payment, *, over: bool = False) -> None:
    """Write a new payment, to be looked at again after a minute unless it is over already."""
    insert("payments_payment", {
        "id": payment.id, "order_id": payment.order, "provider": payment.provider,
        "mode": payment.mode, "currency": payment.amount.currency, "minor": payment.amount.minor,
        "ref": payment.ref, "facts": _text(payment.facts), "wrong": payment.wrong,
        "created": micros(payment.created),
        "next_look": None if over else micros(payment.created + PAUSES[0]), "looks": 0,
        "hold": payment.hold, "save": int(payment.save), "method": payment.method,
        "back": payment.back, "inline": int(payment.inline),
    })  # fmt: skip


def _text(facts: Facts) -> str:
    return msgspec.json.encode(facts).decode()


COLUMNS = (
    "id, order_id, provider, mode, minor, currency, ref, facts, wrong, created, looks, hold, "
    "save, method, back, inline"
)


def _read(where: str, values: list[Any]) -> list[Payment]:
    rows = execute(f"SELECT {COLUMNS} FROM payments_payment WHERE {where}", values).fetchall()
    return [
        Payment(id, order, provider, mode, Money(minor, currency), ref,
                msgspec.json.decode(facts, type=Facts), wrong, instant(created), looks,
                hold, bool(save), method, back, bool(inline))
        for id, order, provider, mode, minor, currency, ref, facts, wrong, created, looks, hold,
        save, method, back, inline in rows
    ]  # fmt: skip


def find(id: str) -> Payment:
    """Return a payment. Whoever changes it holds its order's lock. Raises NotFound."""
    rows = _read("id = ?", [id])
    if not rows:
        raise NotFound("There is no such payment.")
    return rows[0]


def of_order(order: str) -> list[Payment]:
    """Return the tries to pay an order, oldest first."""
    return _read("order_id = ? ORDER BY id", [order])


def pointed_at(provider: str, hint: Hint) -> Payment | None:
    """Return the payment that a hint means; None when it is not this site's."""
    if hint.reference and (found := _read("id = ? AND provider = ?", [hint.reference, provider])):
        return found[0]
    if hint.ref and (found := _read("ref = ? AND provider = ?", [hint.ref, provider])):
        return found[0]
    where = "id IN (SELECT payment_id FROM payments_movement WHERE id = ? AND provider = ?)"
    found = _read(where, [hint.movement, provider]) if hint.movement else []
    return found[0] if found else None


PAUSES = (timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1), timedelta(days=1))
"""When an unfinished payment is looked at again: each time later, then daily (security.md, 6.1)."""


def due(at: datetime) -> list[str]:
    """Return the ids of payments whose provider is to be asked again."""
    rows = execute(
        "SELECT id FROM payments_payment WHERE next_look <= ? ORDER BY next_look LIMIT 200",
        [micros(at)],
    )
    return [row[0] for row in rows]


def is_due(payment: Payment, at: datetime) -> bool:
    """Tell whether a payment may be asked about: its pause is over, or it has ended."""
    row = execute("SELECT next_look FROM payments_payment WHERE id = ?", [payment.id]).fetchone()
    return row[0] is None or row[0] <= micros(at)


def looked_at(limit: int) -> list[tuple[Payment, datetime]]:
    """Return the payments whose end is not known, each with when it is asked about next."""
    rows = execute(
        "SELECT id, next_look FROM payments_payment WHERE next_look IS NOT NULL "
        "ORDER BY next_look LIMIT ?",
        [limit],
    ).fetchall()
    return [(find(id), instant(at)) for id, at in rows]


def look_now(payment: str) -> bool:
    """Have a payment whose end is not known asked about at once; False when it is known."""
    done = execute(
        "UPDATE payments_payment SET next_look = ? WHERE id = ? AND next_look IS NOT NULL",
        [micros(now()), payment],
    )
    return bool(done.rowcount)


LAST_LOOK = 10
"""After so many looks, about a week, a payment that failed is left alone."""


def postpone(payment: Payment) -> None:
    """Look at a payment again after the next pause, if it is due at all."""
    pause = PAUSES[min(payment.looks + 1, len(PAUSES) - 1)]
    left_alone = payment.facts.state is State.FAILED and payment.looks >= LAST_LOOK
    execute(
        "UPDATE payments_payment SET next_look = ?, looks = looks + 1 "
        "WHERE id = ? AND next_look IS NOT NULL",
        [None if left_alone else micros(now() + pause), payment.id],
    )


def look_soon(payment: str) -> None:
    """Have a payment looked at after the first pause, whatever is known of it."""
    execute(
        "UPDATE payments_payment SET next_look = ?, looks = 0 WHERE id = ?",
        [micros(now() + PAUSES[0]), payment],
    )


def look_again(since: datetime) -> int:
    """Have every payment begun since an instant looked at now; return how many.

    After a restore the site does not know what was paid, refunded or disputed meanwhile.
    """
    done = execute(
        "UPDATE payments_payment SET next_look = ?, looks = 0 "
        "WHERE created >= ? OR next_look IS NOT NULL",
        [micros(now()), micros(since)],
    )
    return int(done.rowcount)


def look_at_others(payment: Payment) -> None:
    """Have the other tries to pay an order looked at: they are cancelled once it is paid."""
    execute(
        "UPDATE payments_payment SET next_look = ? WHERE order_id = ? AND id <> ?",
        [micros(now()), payment.order, payment.id],
    )


def suspected() -> list[Payment]:
    """Return the payments of which a provider warned, until they are disputed or given back."""
    warned = _read("""facts LIKE '%"warning":"%' ORDER BY id DESC LIMIT 100""", [])
    return [one for one in warned if all(m.kind is Kind.CHARGE for m in one.facts.movements)]


def held() -> list[Payment]:
    """Return the payments whose money waits for a decision."""
    waiting = _read("hold = 'held' AND next_look IS NOT NULL ORDER BY id", [])
    return [one for one in waiting if one.facts.state is State.READY]


def set_hold(payment: str, hold: str) -> None:
    """Store what was decided of money that is held: `capture`, `release`, or `held` again."""
    execute("UPDATE payments_payment SET hold = ? WHERE id = ?", [hold, payment])


FREE_REF = """
(SELECT CAST(? AS TEXT) WHERE NOT EXISTS (SELECT 1 FROM payments_payment other
WHERE other.provider = ? AND other.ref = ?))
"""
"""A provider's reference, unless another payment has it: that one keeps it."""


def attach(payment: Payment, ref: str) -> None:
    """Store the provider's reference, where there is none yet."""
    execute(
        f"UPDATE payments_payment SET ref = {FREE_REF} WHERE id = ? AND ref IS NULL",
        [ref, payment.provider, ref, payment.id],
    )


SAVE = f"""
UPDATE payments_payment SET facts = ?, wrong = ?, ref = COALESCE(ref, {FREE_REF}), next_look = CASE
WHEN ? OR EXISTS (SELECT 1 FROM payments_refund WHERE payment_id = ? AND state = 'asked')
THEN COALESCE(next_look, ?) END WHERE id = ?
"""


def save(payment: Payment, facts: Facts, wrong: str) -> Payment:
    """Store joined facts. A payment stays due while its end, a fee or a refund is not known.

    One that failed is no end yet: its provider may let the reader try again on the same page.
    """
    pending = facts.state not in (State.CANCELLED, State.EXPIRED, State.PAID) or any(
        m.status is Status.PENDING or (m.fee is None and m.status is Status.DONE)
        for m in facts.movements
    )
    look, ref = micros(now() + PAUSES[0]), facts.ref or None
    values = [
        _text(facts), wrong, ref, payment.provider, ref, pending, payment.id, look, payment.id
    ]  # fmt: skip
    execute(SAVE, values)
    return replace(payment, facts=facts, wrong=wrong, ref=payment.ref or facts.ref or None)


def own(payment: Payment, movement: Movement) -> bool:
    """Claim a movement for its payment; False when another payment has it already."""
    row = {
        "provider": payment.provider,
        "kind": movement.kind,
        "id": movement.id,
        "payment_id": payment.id,
    }
    if insert("payments_movement", row, ignore=True):
        return True
    owner = execute(
        "SELECT payment_id FROM payments_movement WHERE provider = ? AND kind = ? AND id = ?",
        [payment.provider, movement.kind, movement.id],
    ).fetchone()
    return bool(owner[0] == payment.id)


def owned(payment: Payment) -> list[Movement]:
    """Return the movements of a payment that it has claimed."""
    rows = execute("SELECT kind, id FROM payments_movement WHERE payment_id = ?", [payment.id])
    known = {(kind, id) for kind, id in rows.fetchall()}
    return [m for m in payment.facts.movements if (str(m.kind), m.id) in known]


@dataclass(frozen=True, slots=True)
class AskedRefund:
    """A refund that core asked for: minor units by line, and where the money goes.

    `destination` is the payment's own provider, or one that can keep money for the reader. One
    that somebody made at the provider is named afterwards, by its `movement`.
    """

    id: str
    payment: str
    amount: Money
    lines: dict[int, int]
    destination: str
    state: str
    reason: str
    movement: str = ""


def store_refund(refund: AskedRefund) -> None:
    """Write a refund before its provider is asked; its id is the provider's idempotency key."""
    insert("payments_refund", {
        "id": refund.id, "payment_id": refund.payment, "minor": refund.amount.minor,
        "lines": to_json({str(number): minor for number, minor in refund.lines.items()}),
        "destination": refund.destination, "state": refund.state, "created": micros(now()),
        "reason": refund.reason, "movement": refund.movement,
    })  # fmt: skip


def refunds(payment: Payment) -> list[AskedRefund]:
    """Return the refunds asked for a payment, oldest first."""
    return _read_refunds("payments_refund.payment_id = ? ORDER BY payments_refund.id", payment.id)


def find_refund(id: str) -> AskedRefund | None:
    """Return one refund that was asked for."""
    found = _read_refunds("payments_refund.id = ?", id)
    return found[0] if found else None


def _read_refunds(where: str, value: str) -> list[AskedRefund]:
    rows = execute(
        "SELECT payments_refund.id, payment_id, payments_refund.minor, currency, lines, "
        "destination, state, reason, movement FROM payments_refund JOIN payments_payment ON "
        f"payments_payment.id = payment_id WHERE {where}",
        [value],
    )
    return [
        AskedRefund(
            id, payment, Money(minor, currency),
            {int(number): part for number, part in json.loads(lines).items()},
            destination, state, reason, movement,
        )
        for id, payment, minor, currency, lines, destination, state, reason, movement in rows
    ]  # fmt: skip


def payment_of_refund(id: str) -> str | None:
    """Return the payment for which a refund of this id was asked; None when there is none."""
    row = execute("SELECT payment_id FROM payments_refund WHERE id = ?", [id]).fetchone()
    return None if row is None else str(row[0])


def mark_refund(id: str, state: str) -> None:
    """Store what became of a refund."""
    execute("UPDATE payments_refund SET state = ? WHERE id = ?", [state, id])
