"""Every invariant of the books, orders, entitlements and inbox, and the seals on the books.

The numbers are those of the list that docs/running.md explains.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core import audit, figures, ledger, orders
from core.checkout import booking, standing
from core.payments import Kind, Payment, Status, records
from core.storage import Seals, execute
from core.views import date_of


@dataclass(frozen=True, slots=True)
class Fault:
    """An invariant that does not hold, and where."""

    invariant: str
    subject: str
    detail: str


def verify() -> list[Fault]:
    """Check every invariant and return what does not hold."""
    return [fault for check in CHECKS for fault in check()]


def _rows(sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in execute(sql).fetchall()]


def entries_balance() -> Iterator[Fault]:
    """Legs sum to zero per currency; an entry has at least two; none is zero."""
    for id, currency, total in _rows(
        "SELECT entry_id, currency, SUM(minor) FROM ledger_leg GROUP BY entry_id, currency "
        "HAVING SUM(minor) <> 0"
    ):
        yield Fault("balanced", id, f"legs sum to {total} {currency}")
    for (id,) in _rows(
        "SELECT id FROM ledger_entry WHERE (SELECT COUNT(*) FROM ledger_leg WHERE entry_id = "
        "ledger_entry.id) < 2"
    ):
        yield Fault("balanced", id, "fewer than two legs")


def seals_hold() -> Iterator[Fault]:
    """No entry or leg was changed, added or removed after it was sealed."""
    for number in ENTRIES.broken():
        yield Fault("sealed", str(number), "the entries no longer match the seal")


def money_of_tests_is_apart() -> Iterator[Fault]:
    """Test money lives under `test:` and nowhere else."""
    for key, account, mode in _rows(
        "SELECT entry.key, leg.account, entry.mode FROM ledger_leg leg JOIN ledger_entry entry "
        "ON entry.id = leg.entry_id WHERE (entry.mode = 'test') <> (substr(leg.account, 1, 5) "
        "= 'test:')"
    ):
        yield Fault("mode", key, f"{mode} money on {account}")


def balances_are_sums() -> Iterator[Fault]:
    """A bounded account's balance row is the sum of its legs."""
    for account, currency, minor, total in _rows(
        "SELECT b.account, b.currency, b.minor, COALESCE((SELECT SUM(leg.minor) FROM "
        "ledger_leg leg "
        "WHERE leg.account = b.account AND leg.currency = b.currency), 0) FROM ledger_balance b"
    ):
        if minor != total:
            yield Fault("balance", account, f"row says {minor} {currency}, legs say {total}")


def bounds_are_kept() -> Iterator[Fault]:
    """A bounded account never went below its least, at any prefix of the log.

    A cap may be lowered later, or passed by merging two holders, so only the least is absolute.
    """
    accounts = _rows("SELECT account, currency FROM ledger_balance ORDER BY account, currency")
    for account, currency in accounts:
        bound = ledger.bound_of(account)
        if bound is None or bound.least is None:
            continue
        natural = (
            -1 if account.removeprefix(ledger.TEST).startswith(("liabilities:", "income:")) else 1
        )
        running = 0
        for entry, minor in execute(
            "SELECT entry_id, minor FROM ledger_leg WHERE account = ? AND currency = ? ORDER "
            "BY entry_id",
            [account, currency],
        ).fetchall():
            running += natural * minor
            if running < bound.least:
                yield Fault(
                    "bound", account, f"{running} {currency} after {entry}, least is {bound.least}"
                )
                break


def payments_are_booked() -> Iterator[Fault]:
    """What a payment's facts say is in the books under its natural key, and nothing else is.

    Refunds and lost disputes are not more than was charged; what bounced later was charged once.
    """
    for (id,) in _rows("SELECT id FROM payments_payment WHERE facts LIKE '%\"kind\"%'"):
        payment = records.find(id)
        done = Status.DONE
        back = payment.facts.total(Kind.REFUND, done) + payment.facts.total(Kind.DISPUTE, done)
        charged = payment.facts.total(Kind.CHARGE, done, Status.FAILED)
        if back > charged:
            yield Fault("refunds", id, f"{back} went back of {charged}")
        for movement in payment.facts.movements:
            key = f"{payment.provider}:{movement.kind}:{movement.id}"
            found = (
                execute("SELECT 1 FROM ledger_entry WHERE key = ?", [key]).fetchone() is not None
            )
            if movement.status is done and not found and payment.wrong != "payee":
                yield Fault("booked", key, f"payment {id} has it, the books do not")
    for key, kind in _rows(
        "SELECT key, reason FROM ledger_entry WHERE reason IN ('charge', 'refund', 'dispute')"
    ):
        provider, _, movement = key.split(":", 2)
        owned = execute(
            "SELECT 1 FROM payments_movement WHERE provider = ? AND kind = ? AND id = ?",
            [provider, kind, movement],
        ).fetchone()
        if owned is None:
            yield Fault("booked", key, "the books have it, no payment does")


def orders_are_settled() -> Iterator[Fault]:
    """A paid order has its entry and exactly the keys of its lines, in the state its facts leave.

    An order that is not paid has opened nothing that is active.
    """
    for (id,) in _rows("SELECT id FROM orders_order WHERE state <> 'open'"):
        order = orders.find(id)
        held = {
            (line, key): state
            for line, key, state in execute(
                "SELECT line, key, state FROM entitlements_entitlement WHERE order_id = ?", [id]
            ).fetchall()
        }
        if order.state == "closed":
            if any(state != "revoked" for state in held.values()):
                yield Fault("granted", id, "a closed order still opens something")
            continue
        yield from _paid_order(order, held)
    for (id,) in _rows(
        "SELECT order_id FROM entitlements_entitlement WHERE state <> 'revoked' AND NOT EXISTS "
        "(SELECT 1 FROM orders_order WHERE id = order_id AND state <> 'open')"
    ):
        yield Fault("granted", id, "an entitlement without a settled order")


def _paid_order(order: orders.Order, held: dict[tuple[int, str], str]) -> Iterator[Fault]:
    expected = {(line.number, one.key) for line in order.lines for one in line.grants}
    if set(held) != expected:
        yield Fault("granted", order.id, f"holds {sorted(held)}, lines grant {sorted(expected)}")
    if not order.payment:
        if order.total:
            yield Fault("settled", order.id, "paid without a payment")
        return
    payment = records.find(order.payment)
    if payment.facts.total(Kind.CHARGE, Status.DONE) < order.total.minor:
        yield Fault("settled", order.id, f"payment {payment.id} does not cover it")
    states = standing.states(order, payment, payment.facts, gone=False)
    for (line, key), state in held.items():
        if state != states.get(line):
            yield Fault(
                "granted", order.id, f"line {line} {key} is {state}, facts say {states.get(line)}"
            )
    others = execute(
        "SELECT COUNT(*) FROM orders_order WHERE payment = ? AND id <> ?", [order.payment, order.id]
    ).fetchone()[0]
    if others:
        yield Fault("settled", order.id, f"payment {order.payment} settled another order as well")


def line_accounts_earned() -> Iterator[Fault]:
    """Each account of an order has what the facts of its payments come to, to the cent.

    Its lines' accounts, fees, and what crossed into another currency. Bounded accounts share theirs
    with claims, so those have checks of their own.
    """
    for (id,) in _rows(
        "SELECT DISTINCT order_id FROM payments_payment WHERE facts LIKE '%\"kind\"%'"
    ):
        order = orders.find(id)
        expected: dict[tuple[str, str], int] = {}
        for payment in records.of_order(id):
            for leg in _legs_due(order, payment):
                side = (leg.account, leg.amount.currency)
                expected[side] = expected.get(side, 0) + leg.amount.minor
        rows = execute(
            "SELECT leg.account, leg.currency, SUM(leg.minor) FROM ledger_leg leg JOIN "
            "ledger_entry entry ON entry.id = leg.entry_id WHERE entry.order_id = ? "
            "GROUP BY leg.account, leg.currency",
            [id],
        ).fetchall()
        booked = {(account, currency): int(minor) for account, currency, minor in rows}
        earning = {line.account for line in order.lines}
        for account, currency in sorted({*expected, *booked}):
            plain = account.removeprefix(ledger.TEST)
            if plain not in earning and not plain.startswith(("exchange:", "expenses:fees:")):
                continue
            has, due = booked.get((account, currency), 0), expected.get((account, currency), 0)
            if has != due and not ledger.bound_of(account):
                yield Fault("earned", id, f"{account} has {has}, facts say {due}")


def _legs_due(order: orders.Order, payment: Payment) -> list[ledger.Leg]:
    """Return all legs that a payment's facts come to; its tills are called `till`."""
    owned = records.owned(payment) if payment.wrong != "payee" else []
    prefix = ledger.TEST if (payment.facts.mode or payment.mode) == "test" else ""
    asked = records.refunds(payment)
    books = booking.Books(order, payment, owned, order.payment == payment.id, asked)
    legs = books.legs(lambda _holder, _currency: "till")
    for movement in owned:
        legs += booking.fee_legs(order, payment, movement, lambda _holder, _currency: "till")
    return [ledger.Leg(prefix + leg.account, leg.amount) for leg in legs]


def causes_committed() -> Iterator[Fault]:
    """A notice exists only for an order that exists; a settled delivery has no next try."""
    for id, data in _rows("SELECT id, data FROM notices_notice"):
        order = json.loads(data)["order"]
        if execute("SELECT 1 FROM orders_order WHERE id = ?", [order]).fetchone() is None:
            yield Fault("outbox", id, f"tells of order {order}, which does not exist")
    for provider, event in _rows(
        "SELECT provider, event_id FROM payments_delivery WHERE settled IS NOT NULL AND "
        "next_try IS NOT NULL"
    ):
        yield Fault("inbox", f"{provider}:{event}", "settled and still due")


def payouts_are_booked() -> Iterator[Fault]:
    """Each payout that a provider told of is in the books, once for each way it went."""
    for provider, id, minor in _rows(
        "SELECT provider, id, minor FROM payments_line WHERE kind = 'payout'"
    ):
        key = f"{provider}:payout:{id}{':back' if minor > 0 else ''}"
        if not ledger.legs_of(key):
            yield Fault("booked", key, "the provider's account has it, the books do not")


def days_are_summed() -> Iterator[Fault]:
    """The sums that figures are read from are those of each day's entries."""
    for day in figures.wrong_days():
        yield Fault("summed", str(date_of(day)), "the sums of this day are not its entries'")


CHECKS: tuple[Callable[[], Iterator[Fault]], ...] = (
    entries_balance,
    seals_hold,
    money_of_tests_is_apart,
    balances_are_sums,
    bounds_are_kept,
    payments_are_booked,
    orders_are_settled,
    line_accounts_earned,
    causes_committed,
    payouts_are_booked,
    days_are_summed,
)


ENTRIES = Seals(
    "ledger_seal",
    "SELECT entry.id, entry.key, entry.at, entry.mode, entry.reason, "
    "COALESCE(entry.order_id, ''), "
    "leg.number, leg.account, leg.currency, leg.minor FROM ledger_entry entry "
    "LEFT JOIN ledger_leg leg ON leg.entry_id = entry.id WHERE entry.id > ? AND entry.id <= ? "
    "ORDER BY entry.id, leg.number",
    "ent",
)


def seal(before: datetime) -> None:
    """Seal the entries and the audit events that were made before an instant."""
    ENTRIES.add(before)
    audit.EVENTS.add(before)
