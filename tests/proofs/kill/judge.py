"""The judgement: what the bank's log says happened against what the site's tables say of it.

Nothing of core is used here: neither the site's view of its payments nor its sums are trusted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.proofs.kill.bank import Bank, Happened
from tests.proofs.kill.databases import Database
from tests.proofs.kill.site import ACCOUNT

EARNED = f"test:{ACCOUNT}"


@dataclass(frozen=True, slots=True)
class Fault:
    """What must not be. `kind` is lost, doubled, or wrong in another way."""

    kind: str
    subject: str
    detail: str


@dataclass
class Sale:
    """One order, as bank and site have it. Legs are sums of minor units by account."""

    order: str
    till: str
    state: str = ""
    payment: str = ""
    happened: list[Happened] = field(default_factory=list)
    entries: dict[str, dict[str, int]] = field(default_factory=dict)
    held: list[tuple[Any, ...]] = field(default_factory=list)
    refunds: dict[str, str] = field(default_factory=dict)
    notices: list[tuple[Any, ...]] = field(default_factory=list)

    def on(self, account: str) -> int:
        """Return what the order's entries leave on an account."""
        return sum(legs.get(account, 0) for legs in self.entries.values())


def judge(database: Database, bank: Bank, happened: Collection[Happened]) -> list[Fault]:
    """Compare the sales that these rows of the bank's log touched."""
    payments = {row.reference for row in happened if row.reference}
    known = dict(
        _chosen(database, "SELECT id, order_id FROM payments_payment WHERE id IN", payments)
    )
    faults = [
        Fault("lost", row.reference, f"the bank has {row.kind} for a payment that was never stored")
        for row in happened
        if row.reference and row.reference not in known
    ]
    return faults + _faults_of(database, bank, set(known.values()))


def judge_everything(database: Database, bank: Bank) -> list[Fault]:
    """Compare the whole log with all tables, also what the bank has never heard of."""
    faults = judge(database, bank, bank.everything())
    orders = {id for (id,) in database.rows("SELECT id FROM orders_order")}
    strays = database.rows(
        "SELECT key FROM ledger_entry WHERE order_id IS NULL OR order_id NOT IN "
        "(SELECT id FROM orders_order)"
    )
    faults += [Fault("wrong", key, "an entry without an order") for (key,) in strays]
    return list(dict.fromkeys(faults + _faults_of(database, bank, orders)))


def _faults_of(database: Database, bank: Bank, orders: Collection[str]) -> list[Fault]:
    return [fault for sale in _sales(database, bank, orders) for fault in _judged(sale)]


def _chosen(database: Database, sql: str, ids: Iterable[str], tail: str = "") -> list[Any]:
    wanted = list(ids)
    if not wanted:
        return []
    return database.rows(f"{sql} ({', '.join('?' * len(wanted))}) {tail}", wanted)


def _sales(database: Database, bank: Bank, orders: Collection[str]) -> list[Sale]:
    sales = {
        id: Sale(id, f"test:assets:{bank.provider}", state, payment or "")
        for id, state, payment in _chosen(
            database, "SELECT id, state, payment FROM orders_order WHERE id IN", orders
        )
    }
    payments = dict(
        _chosen(database, "SELECT id, order_id FROM payments_payment WHERE order_id IN", orders)
    )
    for row in bank.of(payments):
        sales[payments[row.reference]].happened.append(row)
    legs = _chosen(
        database,
        "SELECT e.order_id, e.key, l.account, l.minor FROM ledger_entry e "
        "JOIN ledger_leg l ON l.entry_id = e.id WHERE e.order_id IN",
        orders,
    )
    for order, key, account, minor in legs:
        entry = sales[order].entries.setdefault(key, defaultdict(int))
        entry[account] += minor
    held = "SELECT order_id, line, key, state FROM entitlements_entitlement WHERE order_id IN"
    for order, *entitlement in _chosen(database, held, orders):
        sales[order].held.append(tuple(entitlement))
    refunds = "SELECT payment_id, id, state FROM payments_refund WHERE payment_id IN"
    for payment, id, state in _chosen(database, refunds, payments):
        sales[payments[payment]].refunds[id] = state
    causes = {f"{order}:paid": order for order in orders}
    notices = "SELECT cause, told FROM notices_notice WHERE cause IN"
    for cause, told in _chosen(database, notices, causes):
        sales[causes[cause]].notices.append((cause, told))
    return list(sales.values())


def _judged(sale: Sale) -> Iterator[Fault]:
    charges = [row for row in sale.happened if row.kind == "charged"]
    refunds = [row for row in sale.happened if row.kind == "refunded"]
    if len(charges) > 1:
        yield Fault("doubled", sale.order, f"charged {len(charges)} times by the bank")
        return  # whatever the books make of that, one charge too many is the fault
    for row in (*charges, *refunds):
        if row.entry not in sale.entries:
            yield Fault("lost", sale.order, f"{row.kind} {row.id} of {row.minor} has no entry")
    expected = {row.entry for row in (*charges, *refunds)} | {f"{r.entry}:fee" for r in charges}
    for key in sale.entries.keys() - expected:
        yield Fault("wrong", sale.order, f"entry {key} is not in the bank's log")
    yield from _sums(sale, charges, refunds)
    yield from _opened(sale, charges, refunds)
    yield from _asked(sale, refunds)


def _sums(sale: Sale, charges: list[Happened], refunds: list[Happened]) -> Iterator[Fault]:
    """The till holds what the bank holds, to the cent, and the line's account what was earned."""
    came = sum(row.minor for row in charges)
    went = sum(row.minor for row in refunds)
    fees = sum(row.fee for row in charges)
    till, earned = sale.on(sale.till), -sale.on(EARNED)
    if till != came - fees - went:
        kind = "doubled" if abs(till) > abs(came - fees - went) else "lost"
        yield Fault(kind, sale.order, f"the till has {till}, the bank {came - fees - went}")
    if earned != came - went:
        kind = "doubled" if earned > came - went else "lost"
        yield Fault(kind, sale.order, f"earned {earned}, the bank says {came - went}")


def _opened(sale: Sale, charges: list[Happened], refunds: list[Happened]) -> Iterator[Fault]:
    """One entitlement for each charge that was not given back whole, and none without a charge."""
    if not charges:
        if sale.held or sale.state == "paid":
            yield Fault("wrong", sale.order, f"{sale.state} without a charge, holds {sale.held}")
        return
    came, went = (sum(row.minor for row in rows) for rows in (charges, refunds))
    wanted = "revoked" if went >= came else "active"
    states = [state for _, _, state in sale.held]
    if sale.state != "paid" or states != [wanted]:
        kind = "lost" if wanted == "active" and "active" not in states else "wrong"
        yield Fault(kind, sale.order, f"{sale.state}, holds {sale.held} instead of one {wanted}")
    if [told is None for _, told in sale.notices] != [False]:
        yield Fault("wrong", sale.order, f"plugins were told of it so: {sale.notices}")


def _asked(sale: Sale, refunds: list[Happened]) -> Iterator[Fault]:
    """A refund that was asked for is done at the bank and known to be done, once."""
    keys = [row.key for row in refunds]
    for key in keys:
        if key not in sale.refunds:
            yield Fault("doubled", sale.order, f"the bank gave back {key}, which nobody asked for")
    for id, state in sale.refunds.items():
        if (state, keys.count(id)) not in (("done", 1), ("failed", 0)):
            times = keys.count(id)
            yield Fault(
                "lost", sale.order, f"refund {id} is {state}, the bank did it {times} times"
            )


def evidence(database: Database, bank: Bank, order: str) -> list[str]:
    """Return all rows of both sides about one order, for whoever looks into a fault."""
    tables = {
        "orders_order": "id", "payments_payment": "order_id", "ledger_entry": "order_id",
        "entitlements_entitlement": "order_id",
    }  # fmt: skip
    lines = [
        f"{table}: {row}"
        for table, column in tables.items()
        for row in database.rows(f"SELECT * FROM {table} WHERE {column} = ?", [order])
    ]
    payments = [
        id for (id,) in database.rows("SELECT id FROM payments_payment WHERE order_id = ?", [order])
    ]
    return lines + [f"bank: {row}" for row in bank.of(payments)]
